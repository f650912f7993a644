"""The requests of each method of the client, without input or output.

An operation is a generator. It yields requests and pauses, gets the responses, and returns the result of the method.
`Client` and `AsyncClient` only send the requests and wait, so that both behave the same.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import httpx

from mlsite_client.errors import ConnectionFailed, WaitTimeout, build_error
from mlsite_client.inputs import ImageSource, Row, is_table, list_rows, read_image, to_json
from mlsite_client.retries import RetryPolicy, is_retried
from mlsite_client.types import BatchJob, Prediction, Problem, Review, Waitable

T = TypeVar("T")
Result: TypeAlias = "Prediction | Problem"
Progress: TypeAlias = Callable[[int, int], None]
Files: TypeAlias = "list[tuple[str, tuple[str, bytes]]]"

API_PATH = "/api/v1/"
MAX_BATCH_IMAGES = 32
MAX_BATCH_IMAGE_BYTES = 24 * 2**20
MAX_BATCH_ROWS = 1000
FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.2, 3.0


@dataclass(frozen=True)
class Request:
    """One request.

    Args:
        path: below the URL of the site, or an absolute URL that the site returned.
        upload: a file to send as the part `file`. It is read while it is sent.
        download: where to write the body of the response. It is written while it is received.
    """

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    data: Mapping[str, Any] | None = None
    files: Files | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Path | None = None
    download: Path | None = None


@dataclass(frozen=True)
class Pause:
    """Wait for some seconds."""

    seconds: float


Operation: TypeAlias = Generator["Request | Pause", Any, T]


def send(request: Request, policy: RetryPolicy) -> Operation[httpx.Response]:
    """Send a request until it succeeds or cannot succeed.

    Raises:
        ApiError: the server rejected the request, or still fails after all retries.
        ConnectionFailed: the server could not be reached.
    """
    for attempt in count():
        is_last = attempt >= policy.max_retries
        try:
            response: httpx.Response = yield request
        except httpx.TransportError as error:
            if is_last:
                raise ConnectionFailed(f"No response from the server: {type(error).__name__}: {error}") from error
            yield Pause(policy.get_wait(attempt))
            continue
        if response.status_code < 400:
            return response
        failure = build_error(response.status_code, _read_body(response))
        is_stored = "prediction" in failure.problem  # a failed prediction: the same request would get it again
        if is_last or is_stored or not is_retried(failure.status, failure.code):
            raise failure
        yield Pause(policy.get_wait(attempt, response.headers.get("Retry-After")))
    raise AssertionError("unreachable")


def create(request: Request, policy: RetryPolicy, key: str | None = None) -> Operation[httpx.Response]:
    """Send a request that creates something, with an idempotency key: a retry does not create it twice."""
    headers = {**request.headers, "Idempotency-Key": key or str(uuid.uuid4())}
    return (yield from send(replace(request, headers=headers), policy))


def predict(
    policy: RetryPolicy,
    *,
    image: ImageSource | None,
    features: Row | None,
    text: str | None,
    options: Mapping[str, Any],
    key: str | None = None,
    prefer: str | None = None,
    unique_reference: bool = False,
) -> Operation[Prediction]:
    request = Request(
        "POST",
        f"{API_PATH}predictions/",
        params={"unique_reference": "true"} if unique_reference else None,
        headers={"Prefer": prefer} if prefer else {},
    )
    values = {name: value for name, value in options.items() if value not in (None, "")}
    if image is not None:
        if features is not None:
            values["features"] = json.dumps(to_json(features))
        request = replace(request, files=[("image", read_image(image))], data=values)
    else:
        parts = {"features": to_json(features) if features is not None else None, "text": text}
        request = replace(request, json=values | {name: part for name, part in parts.items() if part is not None})
    response = yield from create(request, policy, key)
    return Prediction.from_json(response.json())


def predict_many(
    policy: RetryPolicy, inputs: Any, *, options: Mapping[str, Any], are_texts: bool, report: Progress
) -> Operation[list[Result]]:
    """Send inputs in batches. The results are in the order of the inputs."""
    values = {name: value for name, value in options.items() if value}
    requests, total = _plan_batches(inputs, values, are_texts=are_texts)
    results: list[Result] = []
    report(0, total)
    for build_request in requests:
        response = yield from create(build_request(), policy)
        results += [_parse_result(item) for item in response.json()["results"]]
        report(len(results), total)
    return results


def submit_job(
    policy: RetryPolicy, path: Path, *, options: Mapping[str, Any], mapping: Mapping[str, str] | None, key: str | None
) -> Operation[BatchJob]:
    values = {name: value for name, value in options.items() if value}
    if mapping:
        values["mapping"] = json.dumps(dict(mapping))
    response = yield from create(Request("POST", f"{API_PATH}batch-jobs/", data=values, upload=path), policy, key)
    return BatchJob.from_json(response.json())


def wait(policy: RetryPolicy, started: Waitable, *, timeout: float, report: Callable[[Any], None]) -> Operation[Waitable]:
    """Poll until the status is final. `timeout` counts the pauses, in seconds."""
    current, waited, pause = started, 0.0, FIRST_POLL_SECONDS
    while not current.is_final:
        if waited >= timeout:
            raise WaitTimeout(f"{current.url} is still {current.status} after {timeout:g} seconds.")
        yield Pause(min(pause, timeout - waited))
        waited, pause = waited + pause, min(pause * 1.5, MAX_POLL_SECONDS)
        response = yield from send(Request("GET", current.url), policy)
        current = type(started).from_json(response.json())
        report(current)
    return current


def fetch(policy: RetryPolicy, path: str, params: Mapping[str, Any] | None = None) -> Operation[Any]:
    """Return the body of a GET request as JSON."""
    response = yield from send(Request("GET", path, params=params), policy)
    return response.json()


def cancel(policy: RetryPolicy, started: Waitable) -> Operation[Waitable]:
    response = yield from send(Request("POST", f"{started.url}cancel/"), policy)
    return type(started).from_json(response.json())


def review(policy: RetryPolicy, prediction: str, values: Mapping[str, Any]) -> Operation[Review]:
    body = {name: to_json(value) for name, value in values.items() if value is not None}
    response = yield from create(Request("POST", f"{API_PATH}predictions/{prediction}/reviews/", json=body), policy)
    return Review.from_json(response.json())


def send_ground_truth(policy: RetryPolicy, items: Iterable[Mapping[str, Any]]) -> Operation[dict[str, Any]]:
    request = Request("POST", f"{API_PATH}ground-truth/", json={"items": [to_json(item) for item in items]})
    response = yield from create(request, policy)
    body: dict[str, Any] = response.json()
    return body


def download(policy: RetryPolicy, path: str, target: Path, params: Mapping[str, Any] | None = None) -> Operation[Path]:
    yield from send(Request("GET", path, params=params, download=target), policy)
    return target


def build_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query parameters of filters: times in ISO 8601, and `true` or `false`."""
    values = {name: to_json(value) for name, value in filters.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}


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


def _read_body(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None
