"""The requests of each method of the client, without input or output.

An operation is a generator. It yields requests and pauses, gets the responses, and returns the result of the method.
`Client` and `AsyncClient` only send the requests and wait, so that both behave the same.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import httpx

from mlsite_client.errors import ConnectionFailed, MlsiteError, UnexpectedResponse, WaitTimeout, build_error
from mlsite_client.inputs import ImageSource, Row, list_inputs, read_image, to_json
from mlsite_client.paths import API_PATH, ObjectOrId, build_path, check_started
from mlsite_client.progress import get_job_reporter
from mlsite_client.retries import RetryPolicy, is_retried
from mlsite_client.types import BatchJob, Prediction, Review, Waitable

T = TypeVar("T")
Files: TypeAlias = "list[tuple[str, tuple[str, bytes]]]"

MAX_KEY_CHARACTERS = 255  # of an idempotency key
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


def send(request: Request, policy: RetryPolicy) -> Operation[dict[str, Any]]:
    """Send a request until it succeeds or cannot succeed, and return the body, which is empty for a download.

    Raises:
        ApiError: the server rejected the request, or still fails after all retries.
        ConnectionFailed: the server could not be reached.
        UnexpectedResponse: the response is a redirect, or still not JSON after all retries.
    """
    for attempt in count():
        is_last = attempt >= policy.max_retries
        try:
            response: httpx.Response = yield request
        except httpx.RequestError as error:
            is_local = isinstance(error, (httpx.UnsupportedProtocol, httpx.LocalProtocolError))  # the URL has no https://
            if is_last or is_local:
                raise ConnectionFailed(f"No response from the server: {type(error).__name__}: {error}") from error
            yield Pause(policy.get_wait(attempt))
            continue
        body = {} if request.download and response.is_success else _read_body(response)
        if response.is_success and isinstance(body, dict):
            return body
        failure, can_succeed = _explain_failure(response, body)
        if is_last or not can_succeed:
            raise failure
        yield Pause(policy.get_wait(attempt, response.headers.get("Retry-After")))
    raise AssertionError("unreachable")


def _explain_failure(response: httpx.Response, body: Any) -> tuple[MlsiteError, bool]:
    """Return the exception of a response, and whether the same request can succeed later."""
    if response.status_code >= 400:
        failure = build_error(response.status_code, body)
        is_stored = "prediction" in failure.problem  # a failed prediction: the same request would get it again
        return failure, not is_stored and is_retried(failure.status, failure.code)
    if response.is_success:  # the connection broke, or a proxy responded
        message = f"The response of {response.url.host} with status {response.status_code} is not JSON."
        return UnexpectedResponse(message), True
    location = response.headers.get("Location", "another URL")
    return UnexpectedResponse(f"The server redirects to {location}. Check the URL of the site."), False


def create(request: Request, policy: RetryPolicy, key: str | None = None) -> Operation[dict[str, Any]]:
    """Send a request that creates something, with an idempotency key: a retry does not create it twice."""
    headers = {**request.headers, "Idempotency-Key": format_key(key or str(uuid.uuid4()))}
    return (yield from send(replace(request, headers=headers), policy))


def format_key(key: str) -> str:
    """Return a key as the value of the header, in quotes if it contains a comma or a quotation mark (RFC 8941).

    Raises:
        ValueError: the server would reject the key.
    """
    if not (len(key) <= MAX_KEY_CHARACTERS and key.isascii() and key.isprintable() and key.strip()):
        raise ValueError(f"Expected an idempotency key of 1 to {MAX_KEY_CHARACTERS} printable ASCII characters.")
    if not re.search(r'[,"]', key):
        return key
    escaped = key.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def predict(
    policy: RetryPolicy,
    *,
    image: ImageSource | None,
    features: Row | None,
    text: str | None,
    model: str,
    client_reference: str,
    expires_in: int | None = None,
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
    options = {"model": model, "client_reference": client_reference, "expires_in": expires_in}
    values: dict[str, Any] = {name: value for name, value in options.items() if value not in (None, "")}
    if image is not None:
        if features is not None:
            values["features"] = json.dumps(to_json(features))
        request = replace(request, files=[("image", read_image(image))], data=values)
    else:
        parts = {"features": to_json(features) if features is not None else None, "text": text}
        request = replace(request, json=values | {name: part for name, part in parts.items() if part is not None})
    body = yield from create(request, policy, key)
    return Prediction.from_json(body)


def submit_job(
    policy: RetryPolicy, path: Path, *, model: str, mapping: Mapping[str, str] | None, key: str | None
) -> Operation[BatchJob]:
    values = {"model": model} if model else {}
    if mapping:
        values["mapping"] = json.dumps(dict(mapping))
    body = yield from create(Request("POST", f"{API_PATH}batch-jobs/", data=values, upload=path), policy, key)
    return BatchJob.from_json(body)


def wait(policy: RetryPolicy, started: Waitable, *, timeout: float, progress: bool) -> Operation[Waitable]:
    """Poll until the status is final. `timeout` counts the pauses, in seconds."""
    check_started(started)
    report = get_job_reporter(progress)
    current, waited, pause = started, 0.0, FIRST_POLL_SECONDS
    while not current.is_final:
        if waited >= timeout:
            raise WaitTimeout(f"{current.url} is still {current.status} after {timeout:g} seconds.")
        yield Pause(min(pause, timeout - waited))
        waited, pause = waited + pause, min(pause * 1.5, MAX_POLL_SECONDS)
        body = yield from send(Request("GET", current.url), policy)
        current = type(started).from_json(body)
        report(current)
    return current


def fetch_object(policy: RetryPolicy, collection: str, object_or_id: ObjectOrId) -> Operation[Any]:
    return (yield from fetch(policy, build_path(collection, object_or_id)))


def fetch(policy: RetryPolicy, path: str, params: Mapping[str, Any] | None = None) -> Operation[Any]:
    """Return the body of a GET request."""
    return (yield from send(Request("GET", path, params=params), policy))


def cancel(policy: RetryPolicy, started: Waitable) -> Operation[Waitable]:
    check_started(started)
    body = yield from send(Request("POST", f"{started.url}cancel/"), policy)
    return type(started).from_json(body)


def review(policy: RetryPolicy, prediction: ObjectOrId, values: Mapping[str, Any]) -> Operation[Review]:
    body = {name: to_json(value) for name, value in values.items() if value is not None}
    path = build_path("predictions", prediction)
    body = yield from create(Request("POST", f"{path}reviews/", json=body), policy)
    return Review.from_json(body)


def send_ground_truth(policy: RetryPolicy, items: Iterable[Mapping[str, Any]]) -> Operation[dict[str, Any]]:
    request = Request("POST", f"{API_PATH}ground-truth/", json={"items": [to_json(item) for item in list_inputs(items)]})
    return (yield from create(request, policy))


def download_results(policy: RetryPolicy, job: ObjectOrId, target: Path) -> Operation[Path]:
    return (yield from download(policy, f"{build_path('batch-jobs', job)}results/", target))


def download(policy: RetryPolicy, path: str, target: Path, params: Mapping[str, Any] | None = None) -> Operation[Path]:
    yield from send(Request("GET", path, params=params, download=target), policy)
    return target


def build_filters(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Return the query parameters of filters: times in ISO 8601, and `true` or `false`."""
    values = {name: to_json(value) for name, value in filters.items() if value is not None}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in values.items()}


def _read_body(response: httpx.Response) -> Any:
    """Return the JSON of a response, or None."""
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None
