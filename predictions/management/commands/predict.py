"""Predict inputs from files."""

from __future__ import annotations

import codecs
import csv
import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from accounts.management import find_user
from accounts.models import User
from inference.errors import InferenceError, InvalidInput
from inference.messages import format_names
from inference.preprocessing import CsvReader, parse_strings
from inference.signature import TableInput, TextInput, get_table_part
from predictions.models import Prediction
from predictions.presentation import format_output
from predictions.services import predict
from registry.models import ModelVersion
from registry.references import resolve_version
from registry.serving import lease_predictor

IMAGE_KEY = "image"


@dataclass(frozen=True, slots=True)
class FileInput:
    """One input from a file, or the reason why it cannot be read.

    Args:
        name: the path, and for rows the number of the line or of the list item.
    """

    name: str
    image: File | None = None
    features: Any = None
    text: str | None = None
    error: Exception | None = None


class Command(BaseCommand):
    help = (
        "Run MODEL on each FILE: an image; rows of features as CSV with a header or as JSON (an object or a list of "
        "objects); or a text file. For images with features, the CSV column or JSON key image has the path of the image, "
        "relative to FILE. The inputs and predictions are stored."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="name, name@alias, or name:version")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--user", help="username of the owner of the predictions; default: no owner")
        parser.add_argument("--json", action="store_true", help="print one JSON object per line")

    def handle(self, *args: Any, **options: Any) -> None:
        user = find_user(options["user"] or "")
        version = self._resolve_version(options["model"])
        load_model(version)
        total = failed = 0
        for path in options["files"]:
            for file_input in read_inputs(path, version, self.stderr.write):
                prediction = self._predict_input(file_input, user, options["model"])
                if prediction:
                    self._write_prediction(file_input.name, prediction, as_json=options["json"])
                total += 1
                failed += prediction is None or prediction.status == Prediction.Status.FAILED
        if not total:
            raise CommandError("The files contain no inputs.")
        if failed:
            raise CommandError(f"{failed} of {total} inputs failed.")

    def _resolve_version(self, reference: str) -> ModelVersion:
        try:
            return resolve_version(reference)
        except InferenceError as error:
            raise CommandError(error.message) from error

    def _predict_input(self, file_input: FileInput, user: User | None, model: str) -> Prediction | None:
        """Return the stored prediction, or None after writing why there is none."""
        try:
            if file_input.error:
                raise file_input.error
            return predict(
                user=user,
                source=Prediction.Source.CLI,
                model=model,
                image=file_input.image,
                features=file_input.features,
                text=file_input.text,
            )
        except (InferenceError, OSError, ValueError) as error:
            self.stderr.write(f"{file_input.name}: {getattr(error, 'strerror', None) or error}")
            return None
        finally:
            if file_input.image:
                file_input.image.close()

    def _write_prediction(self, name: str, prediction: Prediction, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(to_json(name, prediction)) if as_json else format_line(name, prediction))
        if not as_json:
            for warning in prediction.warnings:
                self.stderr.write(f"{name}: {warning['message']}")


def load_model(version: ModelVersion) -> None:
    """Wait until a version is loaded, which can take longer than a request waits. Each input reports a failure."""
    with suppress(InferenceError), lease_predictor(version):
        pass


def read_inputs(path: Path, version: ModelVersion, notify: Callable[[str], object]) -> Iterator[FileInput]:
    """Yield the inputs of a file as a model version takes them: one image, one text, or rows of features."""
    signature_input = version.parsed_signature.input
    table = get_table_part(signature_input)
    try:
        if isinstance(signature_input, TextInput):
            yield FileInput(str(path), text=read_text(path))
        elif table is None:
            yield FileInput(str(path), image=File(path.open("rb"), name=path.name))
        elif isinstance(signature_input, TableInput):
            yield from read_rows(path, table, notify)
        else:
            for file_input in read_rows(path, table, notify, extra_names=(IMAGE_KEY,)):
                yield file_input if file_input.error else open_image(file_input, path.parent)
    except UnicodeDecodeError:
        yield FileInput(str(path), error=ValueError(describe_encoding(path, ".csv or .json" if table else ".txt")))
    except (OSError, ValueError, csv.Error, InvalidInput) as error:
        yield FileInput(str(path), error=error if isinstance(error, OSError) else ValueError(str(error)))


def read_text(path: Path) -> str:
    """Return the content of a text file, without the line break at its end."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return file.read().removesuffix("\n").removesuffix("\r")


def open_image(file_input: FileInput, folder: Path) -> FileInput:
    """Return a row with the image that its key `image` names."""
    features = dict(file_input.features) if isinstance(file_input.features, dict) else {}
    name = features.pop(IMAGE_KEY, None)
    if not isinstance(name, str) or not name:
        return replace(file_input, error=ValueError("Expected the path of an image in the column or key image."))
    try:
        return replace(file_input, features=features, image=File((folder / name).open("rb"), name=Path(name).name))
    except OSError as error:
        return replace(file_input, error=error)


def describe_encoding(path: Path, expected: str) -> str:
    """Return what to do with a file that is not in UTF-8."""
    with path.open("rb") as file:
        is_utf16 = file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
    encoding = "is in UTF-16" if is_utf16 else "may be in Latin-1 or Windows-1252"
    return f"Expected a {expected} file in UTF-8. This file {encoding}. Save it as UTF-8 (in Excel: CSV UTF-8)."


def read_rows(
    path: Path, table: TableInput, notify: Callable[[str], object], extra_names: Sequence[str] = ()
) -> Iterator[FileInput]:
    """Yield the rows of a CSV or JSON file. A row is named by its last line, or by its place in the list.

    Args:
        extra_names: columns to keep although they are not features.
        notify: called with a message about columns that are ignored.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        if path.suffix.lower() == ".json":
            content = json.load(file)
            for number, row in enumerate(content if isinstance(content, list) else [content], 1):
                yield FileInput(f"{path}:{number}", features=row)
            return
        reader = CsvReader(file, table, extra_names)
        if reader.unused:
            names = format_names([name or "(without a name)" for name in reader.unused])
            notify(f"{path}: The model does not use these columns: {names}.")
        for number, row in reader:
            name = f"{path}:{number}"
            if isinstance(row, InvalidInput):
                yield FileInput(name, error=row)
            else:
                yield FileInput(name, features=parse_strings(row, table))


def format_line(name: str, prediction: Prediction) -> str:
    """Return the tab-separated name, output, confidence and id of a prediction, or its error."""
    if prediction.status == Prediction.Status.FAILED:
        return f"{name}\tfailed\t{prediction.error_message}"
    confidence = "" if prediction.confidence is None else f"{prediction.confidence:.4f}"
    return f"{name}\t{format_output(prediction)}\t{confidence}\t{prediction.id}"


def to_json(name: str, prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as JSON."""
    return {
        "file": name,
        "id": str(prediction.id),
        "status": prediction.status,
        "label": prediction.label,
        "labels": prediction.predicted_labels,
        "confidence": prediction.confidence,
        "value": prediction.value,
        "output": prediction.output,
        "error": prediction.error_message,
        "warnings": prediction.warnings,
    }
