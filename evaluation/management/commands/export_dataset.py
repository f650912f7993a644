"""Export reviewed predictions as a training dataset."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services.audit import Action, AuditObject, record_action
from evaluation.datasets import SPLITS, UNREVIEWED, ExportSummary, export_dataset
from inference.errors import InferenceError


class Command(BaseCommand):
    help = (
        "Export the inputs of MODEL with their true labels or values to the folder DIR, to train the next version. Images "
        "are written to one folder per label, or for a multi-label model to one folder with a metadata.csv; rows of "
        "features are written to CSV files. All are split into train, validation, and test. Inputs without a true label "
        "or value are written to `unreviewed`. DIR/manifest.csv describes each input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model", metavar="MODEL", help="name (all versions), name@alias, or name:version")
        parser.add_argument("folder", type=Path, metavar="DIR", help="must be empty or not exist")
        parser.add_argument("--reviewed-only", action="store_true", help="leave out inputs without a true label or value")

    def handle(self, *args: Any, **options: Any) -> None:
        folder: Path = options["folder"]
        try:
            summary = export_dataset(model=options["model"], folder=folder, reviewed_only=options["reviewed_only"])
        except InferenceError as error:
            raise CommandError(f"Not exported: {error.message}") from error
        except (OSError, RuntimeError) as error:  # RuntimeError: a loop of symbolic links
            raise CommandError(f"Not exported: {error}") from error
        on = AuditObject("dataset", name=options["model"])
        record_action(action=Action.EXPORT, on=on, details={"inputs": summary.counts.total()})
        self._write_summary(summary, folder)
        for input_id, code in summary.unreadable.items():
            self.stderr.write(f"{input_id}: {code}")
        if summary.unreadable:
            raise CommandError(
                f"Inputs that could not be read and were skipped: {len(summary.unreadable)}. All others were exported."
            )

    def _write_summary(self, summary: ExportSummary, folder: Path) -> None:
        for split in (*SPLITS, UNREVIEWED):
            counts = {label: count for (part, label), count in sorted(summary.counts.items()) if part == split}
            by_label = ", ".join(f"{label}: {count}" for label, count in counts.items() if label)
            self.stdout.write(f"{split}: {sum(counts.values())}" + (f" ({by_label})" if by_label else ""))
        versions = ", ".join(map(str, summary.versions))
        self.stdout.write(f"Inputs of {versions} exported to {folder}: {summary.counts.total()}")
