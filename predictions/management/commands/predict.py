"""Ask a model about files from the command line."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from accounts.management import find_user
from accounts.models import User
from inference.errors import InferenceError
from inference.preprocessing import parse_strings
from inference.signature import TableInput
from predictions.models import Prediction
from predictions.presentation import format_output
from predictions.services import predict
from registry.models import ModelVersion
from registry.references import resolve_version

Asked = tuple[str, dict[str, Any]]
"""What to call one input, and the input as the service takes it."""


class Command(BaseCommand):
    help = (
        "Ask MODEL (name, name@alias or name:version) about each FILE: a picture; or rows, as a CSV with a header "
        "or as JSON, an object or a list of them. The answers are kept like any others."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--user", help="whose predictions they are; default: nobody's")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"] or "")
        version = self._version(options["model"])
        asked = refused = 0
        for path in options["files"]:
            for name, given in self._read(path, version):
                asked += 1
                refused += not self._ask(name, given, user, options)
        if refused or not asked:
            raise CommandError(f"{refused} of {asked} inputs have no answer.")

    def _ask(self, name: str, given: dict[str, Any], user: User | None, options: dict[str, Any]) -> bool:
        try:
            if error := given.pop("error", None):
                raise error
            prediction = predict(user=user, source=Prediction.Source.CLI, model=options["model"], **given)
        except (InferenceError, OSError, ValueError) as error:
            self.stderr.write(f"{name}: {getattr(error, 'strerror', None) or error}")
            return False
        finally:
            if file := given.get("image"):
                file.close()
        self.stdout.write(json.dumps(_as_json(name, prediction)) if options["json"] else _as_text(name, prediction))
        return prediction.status != Prediction.Status.FAILED

    def _read(self, path: Path, version: ModelVersion) -> Iterator[Asked]:
        taken = version.parsed_signature.input
        try:
            if isinstance(taken, TableInput):
                yield from _rows_of(path, taken)
            else:
                yield str(path), {"image": File(path.open("rb"), name=path.name)}
        except UnicodeDecodeError:
            yield str(path), {"error": ValueError("Expected a text file, .csv or .json, in UTF-8.")}
        except (OSError, ValueError, csv.Error) as error:
            yield str(path), {"error": error if isinstance(error, OSError) else ValueError(str(error))}

    def _version(self, reference: str) -> ModelVersion:
        try:
            return resolve_version(reference)
        except InferenceError as error:
            raise CommandError(error.message) from error


def _rows_of(path: Path, taken: TableInput) -> Iterator[Asked]:
    """Yield the rows of a file, each named by the line it begins on, or by its place in a list."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix.lower() == ".json":
            found = json.load(file)
            for number, row in enumerate(found if isinstance(found, list) else [found], 1):
                yield f"{path}:{number}", {"features": row}
            return
        reader = csv.DictReader(file, strict=True)
        if not reader.fieldnames:
            raise ValueError("no rows; expected a header with the features and a line for each row")
        if len(set(reader.fieldnames)) < len(reader.fieldnames):
            raise ValueError("expected different names in the header")
        for row in reader:
            name = f"{path}:{reader.line_num}"
            if None in row or None in row.values():
                yield name, {"error": ValueError(f"Expected {len(reader.fieldnames or ())} values, as in the header.")}
            else:
                yield name, {"features": parse_strings(row, taken)}


def _as_text(name: str, prediction: Prediction) -> str:
    if prediction.status == Prediction.Status.FAILED:
        return f"{name}\tfailed\t{prediction.error_message}"
    confidence = "" if prediction.confidence is None else f"{prediction.confidence:.4f}"
    return f"{name}\t{format_output(prediction)}\t{confidence}\t{prediction.id}"


def _as_json(name: str, prediction: Prediction) -> dict[str, Any]:
    return {
        "file": name,
        "id": str(prediction.id),
        "status": prediction.status,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "value": prediction.value,
        "output": prediction.output,
        "error": prediction.error_message,
    }
