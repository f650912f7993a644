"""Run stored predictions again and compare the results."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core.fields import parse_uuid
from core.management.arguments import build_integer_parser, build_number_parser
from inference.comparison import REPRODUCTION_TOLERANCE
from inference.errors import InferenceError
from predictions.models import Prediction
from predictions.services.reproduction import Reproduction, pick_random_predictions, reproduce_prediction
from registry.models import ModelVersion
from registry.references import ModelReference, resolve_version

MAX_SHOWN_DIFFERENCES = 5  # of one prediction
CHUNK_ROWS = 200
MAX_SAMPLE_ROWS = 1_000_000_000


class Command(BaseCommand):
    help = (
        "Run stored predictions again on their own version, and compare label, scores, and value. Nothing is written. Exit "
        "with status 1 if a prediction is not reproduced."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("ids", nargs="*", metavar="ID", help="IDs of predictions")
        parser.add_argument(
            "--sample",
            type=build_integer_parser(1, MAX_SAMPLE_ROWS),
            metavar="N",
            help="compare N random succeeded predictions",
        )
        parser.add_argument("--model", default="", help="restrict the sample to a model: name, name@alias, or name:version")
        parser.add_argument(
            "--tolerance",
            type=build_number_parser(0),
            default=REPRODUCTION_TOLERANCE,
            help=f"allowed deviation of a number, absolute or relative; default: {REPRODUCTION_TOLERANCE:g}",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if bool(options["ids"]) == bool(options["sample"]) or (options["ids"] and options["model"]):
            raise CommandError("Expected either IDs of predictions, or --sample N with an optional --model.")
        ids = options["ids"] or pick_random_predictions(find_versions(options["model"]), options["sample"])
        total = failed = 0
        for reproduction in self._reproduce(ids, options["tolerance"]):
            total += 1
            if reproduction is None or reproduction.differences:
                failed += 1
            if reproduction:
                self._write_differences(reproduction)
        if not total:
            self.stdout.write("There are no succeeded predictions to compare.")
        elif failed:
            raise CommandError(f"{failed} of {total} predictions were not reproduced.")
        else:
            self.stdout.write(f"{total} of {total} predictions were reproduced within {options['tolerance']:g}.")

    def _reproduce(self, ids: Sequence[str | UUID], tolerance: float) -> Iterator[Reproduction | None]:
        """Yield the reproduction of each prediction, and None for each unknown ID."""
        for start in range(0, len(ids), CHUNK_ROWS):
            texts = [str(item) for item in ids[start : start + CHUNK_ROWS]]
            parsed = [parse_uuid(text) for text in texts]
            rows = Prediction.objects.with_related().in_bulk([item for item in parsed if item])
            for text, item in zip(texts, parsed, strict=True):
                if item in rows:
                    yield reproduce_prediction(rows[item], tolerance=tolerance)
                else:
                    self.stderr.write(f"There is no prediction {text}.")
                    yield None

    def _write_differences(self, reproduction: Reproduction) -> None:
        prediction, differences = reproduction.prediction, reproduction.differences
        if not differences:
            return
        more = len(differences) - MAX_SHOWN_DIFFERENCES
        shown = "; ".join(differences[:MAX_SHOWN_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")
        self.stderr.write(f"{prediction.id} ({prediction.model_version}): {shown}.")
        self.stderr.write(f"  Cause: {reproduction.cause}.")


def find_versions(reference: str) -> Sequence[ModelVersion]:
    """Return the versions that a reference names: all versions for a bare name, and all models if it is empty."""
    versions = ModelVersion.objects.order_by("pk")
    if not reference:
        return list(versions)
    try:
        parsed = ModelReference.parse(reference)
        if parsed.number or parsed.alias:
            return [resolve_version(reference)]
    except InferenceError as error:
        raise CommandError(error.message) from error
    named = list(versions.filter(model__name=parsed.name))
    if not named:
        raise CommandError(f"There is no model named {parsed.name!r}.")
    return named
