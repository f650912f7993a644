"""Predict many inputs in batch requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from mlsite_client.inputs import ImageSource, is_table, list_rows, read_image, to_json
from mlsite_client.operations import API_PATH, Files, Operation, Request, create
from mlsite_client.progress import Progress
from mlsite_client.retries import RetryPolicy
from mlsite_client.types import Prediction, Problem

Result: TypeAlias = "Prediction | Problem"

MAX_BATCH_IMAGES = 32
MAX_BATCH_IMAGE_BYTES = 24 * 2**20
MAX_BATCH_ROWS = 1000


def predict_many(
    policy: RetryPolicy, inputs: Any, *, model: str, are_texts: bool, report: Progress
) -> Operation[list[Result]]:
    """Send inputs in batches. The results are in the order of the inputs."""
    values = {"model": model} if model else {}
    requests, total = _plan_batches(inputs, values, are_texts=are_texts)
    results: list[Result] = []
    report(0, total)
    for build_request in requests:
        body = yield from create(build_request(), policy)
        results += [_parse_result(item) for item in body["results"]]
        report(len(results), total)
    return results


def _plan_batches(inputs: Any, values: Mapping[str, Any], *, are_texts: bool) -> tuple[Iterable[Callable[[], Request]], int]:
    """Return functions that build the request of each batch, and the number of inputs."""
    if is_table(inputs):
        inputs = list_rows(inputs)
    items: list[Any] = list(inputs)
    if are_texts or (items and isinstance(items[0], Mapping)):
        name = "text" if are_texts else "features"
        batches = [items[start : start + MAX_BATCH_ROWS] for start in range(0, len(items), MAX_BATCH_ROWS)]
        return [_make_row_batch(name, batch, values) for batch in batches], len(items)
    return _plan_image_batches(items, values), len(items)


def _make_row_batch(name: str, batch: Sequence[Any], values: Mapping[str, Any]) -> Callable[[], Request]:
    return lambda: Request("POST", f"{API_PATH}predictions/batch/", json={**values, name: to_json(batch)})


def _plan_image_batches(items: Sequence[ImageSource], values: Mapping[str, Any]) -> Iterable[Callable[[], Request]]:
    """Yield batches whose files are read only when they are sent."""
    files: Files = []
    for source in items:
        image = read_image(source)
        size = sum(len(data) for _, (_, data) in files)
        if files and (len(files) >= MAX_BATCH_IMAGES or size + len(image[1]) > MAX_BATCH_IMAGE_BYTES):
            yield _make_image_batch(files, values)
            files = []
        files.append(("image", image))
    if files:
        yield _make_image_batch(files, values)


def _make_image_batch(files: Files, values: Mapping[str, Any]) -> Callable[[], Request]:
    return lambda: Request("POST", f"{API_PATH}predictions/batch/", data=values, files=files)


def _parse_result(item: Mapping[str, Any]) -> Result:
    if item.get("prediction"):
        return Prediction.from_json(item["prediction"])
    problem = item["error"]
    fields = [error["field"] for error in problem["errors"]]
    return Problem(problem["code"], problem["detail"], fields[0] if len(fields) == 1 else "")
