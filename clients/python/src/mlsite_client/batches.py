"""Predict many inputs in batch requests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mlsite_client.inputs import ImageSource, check_types, is_image_source, is_row, list_inputs, read_image, to_json
from mlsite_client.operations import API_PATH, Files, Operation, Request, create
from mlsite_client.progress import Progress
from mlsite_client.retries import RetryPolicy
from mlsite_client.types import Prediction, Problem

Result: TypeAlias = "Prediction | Problem"

BATCH_PATH = f"{API_PATH}predictions/batch/"
MAX_BATCH_IMAGES = 32
MAX_BATCH_IMAGE_BYTES = 24 * 2**20
MAX_BATCH_ROWS = 1000


@dataclass(frozen=True)
class Batch:
    """Inputs that are sent together.

    Args:
        request: None if no input can be sent.
        problems: of the inputs that cannot be read, by their position in the batch.
    """

    request: Request | None
    problems: Mapping[int, Problem] = field(default_factory=dict)


def predict_many(
    policy: RetryPolicy, inputs: Any, *, model: str, are_texts: bool, report: Progress
) -> Operation[list[Result]]:
    """Send inputs in batches. The results are in the order of the inputs.

    Raises:
        TypeError: the inputs are not a list, or one of them has another type. Nothing has been sent.
    """
    items = list_inputs(inputs)
    values = {"model": model} if model else {}
    batches = _plan_batches(items, values, are_texts=are_texts)
    results: list[Result] = []
    report(0, len(items))
    for batch in batches:
        received: list[Result] = []
        if batch.request:
            body = yield from create(batch.request, policy)
            received = [_parse_result(item) for item in body["results"]]
        for position in sorted(batch.problems):
            received.insert(position, batch.problems[position])
        results += received
        report(len(results), len(items))
    return results


def _plan_batches(items: Sequence[Any], values: Mapping[str, Any], *, are_texts: bool) -> Iterator[Batch]:
    """Return the batches. Each is built only when it is sent."""
    if are_texts:
        return _plan_row_batches("text", items, values)
    if items and is_row(items[0]):
        check_types(items, is_row, "a row by feature name")
        return _plan_row_batches("features", items, values)
    check_types(items, is_image_source, "an image (a path, bytes, or an open file), or a row by feature name")
    return _plan_image_batches(items, values)


def _plan_row_batches(name: str, items: Sequence[Any], values: Mapping[str, Any]) -> Iterator[Batch]:
    for start in range(0, len(items), MAX_BATCH_ROWS):
        rows = to_json(items[start : start + MAX_BATCH_ROWS])
        yield Batch(Request("POST", BATCH_PATH, json={**values, name: rows}))


def _plan_image_batches(items: Sequence[ImageSource], values: Mapping[str, Any]) -> Iterator[Batch]:
    files: Files = []
    problems: dict[int, Problem] = {}
    for source in items:
        try:
            image = read_image(source)
        except OSError as error:
            detail = f"{error.filename}: {error.strerror}" if error.filename else str(error)
            problems[len(files) + len(problems)] = Problem("unreadable-file", detail, "image")
            continue
        size = sum(len(data) for _, (_, data) in files)
        if files and (len(files) >= MAX_BATCH_IMAGES or size + len(image[1]) > MAX_BATCH_IMAGE_BYTES):
            yield Batch(Request("POST", BATCH_PATH, data=values, files=files), problems)
            files, problems = [], {}
        files.append(("image", image))
    if files or problems:
        yield Batch(Request("POST", BATCH_PATH, data=values, files=files) if files else None, problems)


def _parse_result(item: Mapping[str, Any]) -> Result:
    if item.get("prediction"):
        return Prediction.from_json(item["prediction"])
    problem = item["error"]
    fields = [error["field"] for error in problem["errors"]]
    return Problem(problem["code"], problem["detail"], fields[0] if len(fields) == 1 else "")
