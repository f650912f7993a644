"""Builders shared by tests."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings as project

DIGITS = Path(project.BASE_DIR, "examples", "digits")


FEATURES_TOML = """
[[input.features]]
name = "length"
unit = "cm"
min = 0
max = 10
example = 4.5

[[input.features]]
name = "petals"
type = "integer"
min = 0
description = "How many petals it has."
example = 5

[[input.features]]
name = "colour"
type = "category"
values = ["white", "red", "blue"]
default = "white"

[[input.features]]
name = "wild"
type = "boolean"
default = false
"""
