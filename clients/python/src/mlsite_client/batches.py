"""Predict many inputs in batch requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mlsite_client.errors import InvalidRequest
from mlsite_client.inputs import (
    IMAGE_SOURCES,
    ImageSource,
    check_types,
    is_image_source,
    is_row,
    list_inputs,
    read_image,
    to_json,
)
from mlsite_client.operations import Files, Operation, Request, create, format_key
from mlsite_client.paths import API_PATH
from mlsite_client.progress import Progress, get_reporter
from mlsite_client.retries import RetryPolicy
from mlsite_client.types import Prediction, Problem

Result: TypeAlias = "Prediction | Problem"

BATCH_PATH = f"{API_PATH}predictions/batch/"
MAX_BATCH_IMAGES = 32
MAX_BATCH_IMAGE_BYTES = 24 * 2**20
MAX_BATCH_ROWS = 1000
MAX_BATCH_ROW_BYTES = 4 * 2**20


@dataclass(frozen=True)
class Batch:
    """Inputs that are sent together.

    Args:
        name: of the list in the request: `image`, `features`, or `text`.
        items: image files, or JSON values; empty if no input can be sent.
        problems: of the inputs that cannot be read, by their position in the batch.
    """

    name: str
    items: list[Any]
    problems: Mapping[int, Problem] = field(default_factory=dict)

    def build_request(self, values: Mapping[str, Any]) -> Request:
        if self.name == "image":
            return Request("POST", BATCH_PATH, data=values, files=self.items)
        return Request("POST", BATCH_PATH, json={**values, self.name: self.items})


def predict_many(
    policy: RetryPolicy, inputs: Any, *, model: str, are_texts: bool, progress: bool | Progress, key: str | None
) -> Operation[list[Result]]:
    """Send inputs in batches. The results are in the order of the inputs.

    Args:
        key: the start of the idempotency key of each batch; if None, they are random.

    Raises:
        TypeError: the inputs are not a list, or one of them has another type. Nothing has been sent.
        ValueError: the server would reject the key.
    """
    if key:
        format_key(key)
    items = list_inputs(inputs)
    values = {"model": model} if model else {}
    results: list[Result] = []
    report = get_reporter(progress)
    report(0, len(items))
    for batch in _plan_batches(items, are_texts=are_texts):
        received: list[Result] = []
        if batch.items:
            received = yield from _send_batch(policy, batch, values, key and f"{key}/{len(results)}")
        for position in sorted(batch.problems):
            received.insert(position, batch.problems[position])
        results += received
        report(len(results), len(items))
    return results


def _send_batch(policy: RetryPolicy, batch: Batch, values: Mapping[str, Any], key: str | None) -> Operation[list[Result]]:
    """Send a batch, in parts if the server or a proxy does not accept so much in one request."""
    try:
        body = yield from create(batch.build_request(values), policy, key)
    except InvalidRequest as error:
        if error.status != 413:
            raise
        if len(batch.items) == 1:
            return [Problem(error.code or "request-too-large", error.detail)]
        results = []
        middle = len(batch.items) // 2
        for number, part in enumerate((batch.items[:middle], batch.items[middle:])):
            results += yield from _send_batch(policy, Batch(batch.name, part), values, key and f"{key}.{number}")
        return results
    return [_parse_result(item) for item in body["results"]]


def _plan_batches(items: Sequence[Any], *, are_texts: bool) -> Iterator[Batch]:
    """Return the batches. Each is built only when it is sent."""
    if are_texts:
        return _plan_row_batches("text", items)
    if items and is_row(items[0]):
        check_types(items, is_row, "a row by feature name")
        return _plan_row_batches("features", items)
    check_types(items, is_image_source, f"{IMAGE_SOURCES}, or a row by feature name")
    return _plan_image_batches(items)


def _plan_row_batches(name: str, items: Sequence[Any]) -> Iterator[Batch]:
    rows: list[Any] = []
    total = 0
    for row in map(to_json, items):
        size = len(json.dumps(row))
        if rows and (len(rows) >= MAX_BATCH_ROWS or total + size > MAX_BATCH_ROW_BYTES):
            yield Batch(name, rows)
            rows, total = [], 0
        rows.append(row)
        total += size
    if rows:
        yield Batch(name, rows)


def _plan_image_batches(items: Sequence[ImageSource]) -> Iterator[Batch]:
    files: Files = []
    problems: dict[int, Problem] = {}
    for source in items:
        try:
            image = read_image(source)
        except (OSError, TypeError, ValueError) as error:  # ValueError: a closed file, or a path with a NUL character
            detail = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error)
            problems[len(files) + len(problems)] = Problem("unreadable-file", detail, "image")
            continue
        size = sum(len(data) for _, (_, data) in files)
        if files and (len(files) >= MAX_BATCH_IMAGES or size + len(image[1]) > MAX_BATCH_IMAGE_BYTES):
            yield Batch("image", files, problems)
            files, problems = [], {}
        files.append(("image", image))
    if files or problems:
        yield Batch("image", files, problems)


def _parse_result(item: Mapping[str, Any]) -> Result:
    if item.get("prediction"):
        return Prediction.from_json(item["prediction"])
    problem = item["error"]
    fields = [error["field"] for error in problem["errors"]]
    return Problem(problem["code"], problem["detail"], fields[0] if len(fields) == 1 else "")
