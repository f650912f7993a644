"""Register a model, or the next version of a model."""

from __future__ import annotations

import errno
import os
import shutil
import textwrap
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.management import find_user
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError
from inference.signature.image import SCALES
from registry.errors import describe_error
from registry.presentation import DescriptionRow, describe_version
from registry.querysets import PRODUCTION
from registry.services import prepare_version, store_version
from registry.services.preparation import PreparedVersion

MAX_NAME_WIDTH = 28  # characters of the second column of the table; longer names get a line of their own
MIN_VALUE_WIDTH = 40
DEFAULT_TERMINAL_SIZE = (120, 24)


class Command(BaseCommand):
    help = "Verify a model, print what was detected, copy it into MODEL_ROOT, and register it as the next version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, metavar="PATH", help="a folder with a model.toml, or only an artifact")
        parser.add_argument("--name", default="", help="name of the model; default: the name in model.toml or the file name")
        parser.add_argument(
            "--labels", type=Path, metavar="FILE", help="a text file with one label per line, in the order of the outputs"
        )
        parser.add_argument("--scale", default="", choices=SCALES, help="how the model's training code scaled the pixels")
        parser.add_argument(
            "--preset",
            default="",
            metavar="PRESET",
            help="image preprocessing of a library, such as keras-resnet50; see docs/images.md",
        )
        parser.add_argument(
            "--trusted",
            action="store_true",
            help="allow the model to run its author's code; required for .h5, .pkl, .joblib, SavedModel, MLflow, and "
            "your own runtimes",
        )
        parser.add_argument(
            "--no-convert",
            action="store_true",
            help="run a Keras network with TensorFlow, even if it can be converted to ONNX",
        )
        parser.add_argument("--user", default="", help="username recorded as the creator")
        parser.add_argument("--promote", action="store_true", help="point the alias production to the new version")
        parser.add_argument("--dry-run", action="store_true", help="verify the model and print the table, but write nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = {name: options[name] for name in ("path", "name", "labels", "scale", "preset", "trusted")}
        user = find_user(options["user"])
        try:
            with prepare_version(**arguments, convert=not options["no_convert"]) as prepared:
                if options["dry_run"]:
                    self._write_dry_run(prepared)
                    return
                version = store_version(prepared, promote=options["promote"], user=user)
        except (InferenceError, ValidationError) as error:
            raise CommandError(f"Not registered: {describe_error(error)}") from error
        except StorageUnavailable as error:
            reason = os.strerror(error.errno or errno.EIO)
            raise CommandError(f"Not registered: the folder {settings.MODEL_ROOT} cannot be written: {reason}.") from error
        except OSError as error:
            raise CommandError(f"Not registered: a file of the model cannot be read. {error}") from error
        self._write_table(version)
        if prepared.existing:
            self.stdout.write(f"Already registered as {version}, with the same artifact and description. Nothing is added.")
        else:
            self.stdout.write(f"Registered {version}.")
        if options["promote"]:
            self.stdout.write(f"{version.model.name}@{PRODUCTION} -> {version.number}")
        else:
            self.stdout.write(f"To use this version: manage.py promote_model {version.model.name} {version.number}")

    def _write_dry_run(self, prepared: PreparedVersion) -> None:
        self._write_table(prepared.existing or prepared.version)
        if prepared.existing:
            self.stdout.write(f"Dry run: already registered as {prepared.existing}. Nothing was written.")
        else:
            self.stdout.write("Dry run: nothing was written. To register the model, run the command without --dry-run.")

    def _write_table(self, version: Any) -> None:
        width = shutil.get_terminal_size(DEFAULT_TERMINAL_SIZE).columns
        for line in format_table(describe_version(version), width=width):
            self.stdout.write(line)
        self.stdout.write("")


def format_table(rows: Iterable[DescriptionRow], *, width: int) -> Iterator[str]:
    """Yield the lines of a table with the columns section, name, and value. Values are wrapped to the width."""
    rows = list(rows)
    section_width = max(len(row.section) for row in rows) + 2
    name_width = min(max(len(row.name) for row in rows), MAX_NAME_WIDTH) + 2
    previous = ""
    for section, name, value in rows:
        start = f"{section if section != previous else '':{section_width}}"
        indent = section_width + (name_width if name else 0)
        if len(name) > MAX_NAME_WIDTH:
            yield f"{start}{name}"
            start = " " * indent
        elif name:
            start += f"{name:{name_width}}"
        lines = textwrap.wrap(value, max(width - indent, MIN_VALUE_WIDTH), break_on_hyphens=False) or [""]
        yield f"{start}{lines[0]}"
        yield from (" " * indent + line for line in lines[1:])
        previous = section
