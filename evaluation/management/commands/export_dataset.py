"""Write judged answers as a dataset to train on."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from evaluation.datasets import SPLITS, UNREVIEWED, Dataset, export_dataset
from inference.errors import InferenceError


class Command(BaseCommand):
    help = (
        "Write what MODEL (name for all its versions, name@alias or name:version for one) was asked, with what people found "
        "to be true, to the new folder DIR: pictures by label or rows as CSV, in train, validation and test. What nobody "
        "decided lies apart, as unreviewed. DIR/manifest.csv has a line for each input."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model")
        parser.add_argument("folder", type=Path, metavar="DIR", help="empty, or not there yet")
        parser.add_argument("--reviewed-only", action="store_true", help="leave out what nobody decided")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {name: options[name] for name in ("model", "folder", "reviewed_only")}
        try:
            dataset = export_dataset(**chosen)
        except InferenceError as error:
            raise CommandError(f"Not exported: {error.message}") from error
        except (OSError, RuntimeError) as error:  # RuntimeError: links that lead round in a circle
            raise CommandError(f"Not exported: {error}") from error
        self._summarise(dataset, options["folder"])
        for name, code in dataset.unreadable.items():
            self.stderr.write(f"{name}: {code}")
        if dataset.unreadable:
            raise CommandError(f"{len(dataset.unreadable)} inputs could not be read and are left out; all others are there.")

    def _summarise(self, dataset: Dataset, folder: Path) -> None:
        for split in (*SPLITS, UNREVIEWED):
            found = {label: count for (one, label), count in sorted(dataset.counts.items()) if one == split}
            by_label = ", ".join(f"{label}: {count}" for label, count in found.items() if label)
            self.stdout.write(f"{split}: {sum(found.values())}" + (f" ({by_label})" if by_label else ""))
        versions = ", ".join(map(str, dataset.versions))
        self.stdout.write(f"Exported {dataset.counts.total()} inputs of {versions} to {folder}")
