"""Rows of features with what is true of them, one CSV a split."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from evaluation.datasets.selection import Truth
from evaluation.datasets.splits import SPLITS, UNREVIEWED
from predictions.models import Input

Row = dict[str, Any]


class RowFiles:
    """`train.csv` and its like: the features in the signature's order, and at the end the truth.

    Texts stand there as they were asked: a network trained on disarmed formulas would have learned other texts than it is
    asked about. The manifest is the file for spreadsheets.
    """

    def __init__(self, root: Path, features: Sequence[str], *, truth: str, reviewed_only: bool, files: ExitStack) -> None:
        self.features = list(features)
        columns = {split: [*self.features, _other_than(self.features, truth)] for split in SPLITS}
        if not reviewed_only:
            columns[UNREVIEWED] = self.features
        opened = {split: files.enter_context(open_csv(root / f"{split}.csv")) for split in columns}
        self.writers = {split: csv.writer(file) for split, file in opened.items()}
        for split, names in columns.items():
            self.writers[split].writerow(names)

    def read(self, row: Input) -> tuple[bytes, Row]:
        """Return the features, and the digest that equal ones share."""
        return bytes.fromhex(row.sha256), row.features or {}

    def write(self, row: Input, features: Row, split: str, truth: Truth | None) -> str:
        """Write one line; return its file."""
        cells = [features.get(name) for name in self.features]
        self.writers[split].writerow([*cells, *([truth.label or truth.value] if truth else [])])
        return f"{split}.csv"


def open_csv(path: Path) -> Any:
    return path.open("w", encoding="utf-8", newline="")


def _other_than(features: Sequence[str], name: str) -> str:
    """Return the name for the truth, `true_` before it as long as a feature is called so."""
    while name in features:
        name = f"true_{name}"
    return name
