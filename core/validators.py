"""Rules of single values, with messages that say what would be right."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

MAX_LABEL = 100  # characters
MAX_FILE_NAME = 255  # characters

validate_name = RegexValidator(
    r"\A[a-z][a-z0-9]*(-[a-z0-9]+)*\Z", "Use lower-case letters, digits and single hyphens, a letter first: digits, iris-2."
)
validate_sha256 = RegexValidator(r"\A[0-9a-f]{64}\Z", "Use 64 lower-case hexadecimal digits.")


def validate_labels(labels: object) -> None:
    """Labels are distinct, printable and at most 100 characters long."""
    if not isinstance(labels, Sequence) or isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ValidationError(f"Expected a list of texts. Received: {labels!r}")
    for label in labels:
        if not label.strip() or len(label) > MAX_LABEL or not label.isprintable():
            raise ValidationError(f"A label has 1 to {MAX_LABEL} printable characters. Received: {label[:200]!r}")
    if len(set(labels)) != len(labels):
        twice = sorted({label for label in labels if labels.count(label) > 1})
        raise ValidationError(f"Labels must differ. Received twice: {', '.join(twice)}")


def validate_artifact_path(path: str) -> None:
    """An artifact lies below MODEL_ROOT, and its path says so plainly."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or ":" in path or "\\" in path or "\0" in path:
        raise ValidationError(f"Expected a relative path below MODEL_ROOT. Received: {path!r}")


def clean_file_name(name: str | None) -> str:
    """Return the last part of a sent file name without control and direction characters, at most 255 long."""
    base = re.split(r"[/\\]", name or "")[-1]
    visible = "".join(char for char in base if unicodedata.category(char)[0] != "C")
    return visible.strip()[:MAX_FILE_NAME]
