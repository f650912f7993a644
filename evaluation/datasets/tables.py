"""Write rows of features and their true outputs as CSV, one file per split."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

from evaluation.datasets.selection import TrueOutput
from evaluation.datasets.splits import SPLITS, UNREVIEWED
from predictions.models import Input

Row = dict[str, Any]


class TargetColumns:
    """The columns of the true output: one with the label or value or, for a multi-label model, one per label.

    A label is 1 if it is true, 0 if it is not, and empty if the version that was reviewed does not have it.
    """

    def __init__(self, labels: Iterable[str], *, used: Sequence[str], name: str = "label") -> None:
        """Choose the names of the columns: `name`, or those of the labels, unless they are in `used`."""
        self.labels = list(labels)
        names = list(used)
        for column in self.labels or [name]:
            names.append(find_free_name(column, names))
        self.names = names[len(used) :]

    def build_cells(self, true_output: TrueOutput) -> list[Any]:
        if true_output.labels is None:
            return [true_output.label or true_output.value]
        known = {label: int(is_true) for label, is_true in true_output.labels.items()}
        return [known.get(label) for label in self.labels]


class TableWriter:
    """Writes `train.csv`, `validation.csv`, `test.csv`: the features in the signature's order, then the true output.

    A text input has one feature, `text`.

    Text is written unchanged: if formulas were escaped, the text would differ from what the model receives later. Only
    the manifest is safe to open in a spreadsheet.
    """

    def __init__(
        self, root: Path, features: Sequence[str], *, targets: TargetColumns, reviewed_only: bool, files: ExitStack
    ) -> None:
        self.features, self.targets = list(features), targets
        columns = {split: [*self.features, *targets.names] for split in SPLITS}
        if not reviewed_only:
            columns[UNREVIEWED] = self.features
        opened = {split: files.enter_context(open_csv(root / f"{split}.csv")) for split in columns}
        self.writers = {split: csv.writer(file) for split, file in opened.items()}
        for split, names in columns.items():
            self.writers[split].writerow(names)

    def read(self, row: Input) -> tuple[bytes, Row]:
        """Return a digest of the features, and the features."""
        return bytes.fromhex(row.sha256), row.features or {}  # of a text input, the text is the only feature

    def write(self, row: Input, features: Row, split: str, true_output: TrueOutput | None) -> str:
        """Write one row. Return the path of its file, relative to the root."""
        cells = [features.get(name) for name in self.features]
        self.writers[split].writerow([*cells, *(self.targets.build_cells(true_output) if true_output else [])])
        return f"{split}.csv"


def open_csv(path: Path) -> TextIO:
    return path.open("w", encoding="utf-8", newline="")


def find_free_name(name: str, used: Sequence[str]) -> str:
    """Return a column name that is not used yet, by prefixing `true_` as often as necessary."""
    while name in used:
        name = f"true_{name}"
    return name
