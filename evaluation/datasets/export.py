"""Write what people judged as a dataset to train on."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.datasets.images import PictureFolders
from evaluation.datasets.output_folder import new_folder
from evaluation.datasets.selection import Truth, answers_of, opinion_on, truth_of, versions_of
from evaluation.datasets.splits import UNREVIEWED, split_of
from evaluation.datasets.tables import RowFiles, open_csv
from inference.errors import InvalidImage
from inference.signature import TableInput
from predictions.export import format_cell
from predictions.models import Prediction
from predictions.services.stored_files import StoredFileError
from registry.models import ModelVersion

MANIFEST = (
    "prediction", "input", "split", "path", "label", "value", "true_label", "true_value", "verdict", "confidence", "model",
    "model_version", "sha256", "original_name", "picked_by", "reviews",
)  # fmt: skip
AT_ONCE = 500  # predictions fetched together
Item = tuple[Prediction, bytes, Any]
"""An answer, the digest of what it is about, and that itself."""


@dataclass(slots=True)
class Dataset:
    """What was exported: how many inputs by split and true label; and which could not be read, by id, with the reason."""

    versions: list[ModelVersion]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)


def export_dataset(*, model: str, folder: Path, reviewed_only: bool = False) -> Dataset:
    """Write the inputs of a model with what people found to be true of them, to train the next version on.

    Each input is there once, with its newest truth, and in one split only. What nobody decided lies apart, as `unreviewed`,
    and never among the labels: a network trained on its own unchecked answers learns to repeat its mistakes. Memory
    grows with nothing but the digests of the inputs. An input that cannot be read is left out and named.

    Args:
        model: `name` for all versions, `name@alias` or `name:number` for one.
        folder: empty, or not there yet; it appears when everything is written.
        reviewed_only: leave out what nobody decided.

    Raises:
        UnknownModel: there is no such model or version.
        NotExportable: the answers are raw, or the folder is not empty.
        OSError: the folder cannot be written to; nothing is left of it.
    """
    dataset = Dataset(versions_of(model))
    answers = answers_of(dataset.versions, reviewed_only=reviewed_only).iterator(chunk_size=AT_ONCE)
    with new_folder(folder) as root, ExitStack() as files:
        store = _store_for(dataset.versions, root, reviewed_only, files)
        manifest = csv.DictWriter(files.enter_context(open_csv(root / "manifest.csv")), MANIFEST)
        manifest.writeheader()
        for prediction, digest, content in _first_of_each(answers, store, dataset):
            truth = truth_of(prediction)
            if reviewed_only and not truth:  # the opinion was withdrawn a moment ago
                continue
            split = split_of(digest) if truth else UNREVIEWED
            path = store.write(prediction.input, content, split, truth)
            line = _describe(prediction, truth) | {"split": split, "path": path}
            manifest.writerow({name: format_cell(value) for name, value in line.items()})
            dataset.counts[split, truth.label if truth else ""] += 1
    return dataset


def _store_for(versions: list[ModelVersion], root: Path, reviewed_only: bool, files: ExitStack) -> PictureFolders | RowFiles:
    """Return what the inputs are written to, ready for all labels or features of the versions, the newest one's first."""
    labels = dict.fromkeys(label for version in versions for label in version.labels)
    inputs = [version.parsed_signature.input for version in versions]
    tables = [taken for taken in inputs if isinstance(taken, TableInput)]
    if not tables:
        return PictureFolders(root, labels, reviewed_only=reviewed_only)
    features = list(dict.fromkeys(name for table in tables for name in table.names))
    truth = "label" if labels else "value"
    return RowFiles(root, features, truth=truth, reviewed_only=reviewed_only, files=files)


def _first_of_each(answers: Iterable[Prediction], store: PictureFolders | RowFiles, dataset: Dataset) -> Iterator[Item]:
    """Yield the first answer about each input that can be read; note those that cannot."""
    seen: set[bytes] = set()
    for one in answers:
        try:
            digest, content = store.read(one.input)
        except (StoredFileError, InvalidImage) as error:
            dataset.unreadable[str(one.input_id)] = error.code
            continue
        if digest not in seen:
            seen.add(digest)
            yield one, digest, content


def _describe(prediction: Prediction, truth: Truth | None) -> dict[str, Any]:
    opinion = opinion_on(prediction)
    return {
        "prediction": str(prediction.pk),
        "input": str(prediction.input_id),
        "label": prediction.label,
        "value": prediction.value,
        "true_label": truth.label if truth else "",
        "true_value": truth.value if truth else None,
        "verdict": opinion.verdict if opinion else "",
        "confidence": prediction.confidence,
        "model": prediction.model_version.model.name,
        "model_version": prediction.model_version.number,
        "sha256": prediction.input.sha256,
        "original_name": prediction.input.original_name,
        "picked_by": opinion.picked_by if opinion else "",
        "reviews": len(prediction.active_reviews),
    }
