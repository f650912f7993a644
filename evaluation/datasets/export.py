"""Export reviewed predictions as a training dataset."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evaluation.datasets.image_tables import IMAGE_COLUMN, ImageTableWriter
from evaluation.datasets.images import ImageWriter
from evaluation.datasets.labeled_images import LabeledImageWriter
from evaluation.datasets.output_folder import create_output_folder
from evaluation.datasets.selection import (
    TrueOutput,
    get_predictions,
    get_true_output,
    get_verdict_review,
    get_versions,
)
from evaluation.datasets.splits import UNREVIEWED, assign_split
from evaluation.datasets.tables import TableWriter, TargetColumns, open_csv
from inference.errors import InvalidImage
from inference.signature import LabelsOutput, get_image_part
from predictions.exports.stream import format_cell
from predictions.models import Prediction
from predictions.services.stored_files import StoredFileError
from registry.models import ModelVersion

MANIFEST_COLUMNS = (
    "prediction", "input", "split", "path", "label", "value", "true_label", "true_value", "verdict", "confidence", "model",
    "model_version", "sha256", "original_name", "picked_by", "reviews", "labels", "true_labels",
)  # fmt: skip
CHUNK_ROWS = 500  # predictions fetched together
DatasetWriter = ImageWriter | TableWriter | ImageTableWriter


@dataclass(slots=True)
class ExportSummary:
    """Summary of an export.

    Args:
        counts: number of inputs by split and true label.
        unreadable: ids of inputs that were skipped, with the error code.
    """

    versions: list[ModelVersion]
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    unreadable: dict[str, str] = field(default_factory=dict)


def export_dataset(*, model: str, folder: Path, reviewed_only: bool = False) -> ExportSummary:
    """Write the inputs of a model and their true outputs to a folder.

    Each input appears once, with its newest true output, in one split. Inputs without a decided review are written to
    `unreviewed` and never to the labeled splits: a network trained on its own unreviewed predictions would learn its errors.
    Memory use is independent of the number of inputs, except for 32 bytes per input. Inputs that cannot be read are skipped.

    Args:
        model: `name` for all versions, `name@alias` or `name:number` for one.
        folder: must be empty or not exist. The dataset appears in it only when it is complete.
        reviewed_only: leave out inputs without a decided review.

    Raises:
        UnknownModel: the model or version does not exist.
        NotExportable: the model has raw outputs, or the folder is not empty.
        OSError: the folder cannot be written. No files are left in it.
    """
    summary = ExportSummary(get_versions(model))
    predictions = get_predictions(summary.versions, reviewed_only=reviewed_only).iterator(chunk_size=CHUNK_ROWS)
    with create_output_folder(folder) as root, ExitStack() as files:
        writer = _create_writer(summary.versions, root, files, reviewed_only=reviewed_only)
        manifest = csv.DictWriter(files.enter_context(open_csv(root / "manifest.csv")), MANIFEST_COLUMNS)
        manifest.writeheader()
        for prediction, digest, content in _read_unique_inputs(predictions, writer, summary):
            true_output = get_true_output(prediction)
            if reviewed_only and not true_output:  # its review was withdrawn during the export
                continue
            split = assign_split(digest) if true_output else UNREVIEWED
            path = writer.write(prediction.input, content, split, true_output)
            row = _describe_prediction(prediction, true_output) | {"split": split, "path": path}
            manifest.writerow({name: format_cell(value) for name, value in row.items()})
            summary.counts[split, true_output.label if true_output else ""] += 1
    return summary


def _create_writer(versions: list[ModelVersion], root: Path, files: ExitStack, *, reviewed_only: bool) -> DatasetWriter:
    """Return a writer for the labels or features of all versions, in the order of the newest one."""
    labels = dict.fromkeys(label for version in versions for label in version.labels)
    is_multi_label = versions[0].parsed_signature.output.kind == LabelsOutput.kind
    inputs = [version.parsed_signature.input for version in versions]
    features = list(dict.fromkeys(feature.name for part in inputs for feature in part.features))
    image = get_image_part(inputs[0])
    used = [*features, IMAGE_COLUMN] if image else features
    targets = TargetColumns(labels if is_multi_label else (), used=used, name="label" if labels else "value")
    if image and features:
        return ImageTableWriter(root, features, image, targets=targets, reviewed_only=reviewed_only, files=files)
    if image and is_multi_label:
        return LabeledImageWriter(root, labels, image, reviewed_only=reviewed_only, files=files)
    if image:
        return ImageWriter(root, labels, image, reviewed_only=reviewed_only)
    return TableWriter(root, features, targets=targets, reviewed_only=reviewed_only, files=files)


def _read_unique_inputs(
    predictions: Iterable[Prediction], writer: DatasetWriter, summary: ExportSummary
) -> Iterator[tuple[Prediction, bytes, Any]]:
    """Yield the first prediction of each input with the digest and content of the input; record unreadable inputs."""
    seen: set[bytes] = set()
    for prediction in predictions:
        try:
            digest, content = writer.read(prediction.input)
        except (StoredFileError, InvalidImage) as error:
            summary.unreadable[str(prediction.input_id)] = error.code
            continue
        if digest not in seen:
            seen.add(digest)
            yield prediction, digest, content


def _describe_prediction(prediction: Prediction, true_output: TrueOutput | None) -> dict[str, Any]:
    review = get_verdict_review(prediction)
    return {
        "prediction": str(prediction.pk),
        "input": str(prediction.input_id),
        "label": prediction.label,
        "value": prediction.value,
        "true_label": true_output.label if true_output else "",
        "true_value": true_output.value if true_output else None,
        "verdict": review.verdict if review else "",
        "confidence": prediction.confidence,
        "model": prediction.model_version.model.name,
        "model_version": prediction.model_version.number,
        "sha256": prediction.input.sha256,
        "original_name": prediction.input.original_name,
        "picked_by": review.picked_by if review else "",
        "reviews": len(prediction.active_reviews),
        "labels": prediction.predicted_labels,
        "true_labels": true_output.true_labels if true_output else None,
    }
