"""Methods that take an object or its ID, against a local server that records the paths."""

from __future__ import annotations

import asyncio
import inspect
import json
import uuid
from typing import Any

import httpx
import pytest
from mlsite_client import AsyncClient, BatchJob, Client, Prediction, Review

pytestmark = pytest.mark.once
ID = "01a1fb01-0971-77a1-91ee-40e3b3456e9b"
PREDICTION_PATH, JOB_PATH = f"/api/v1/predictions/{ID}/", f"/api/v1/batch-jobs/{ID}/"
PREDICTION_BODY = {
    "id": ID,
    "url": f"https://example.org{PREDICTION_PATH}",
    "status": "succeeded",
    "model": "digits",
    "model_version": 1,
    "created_at": "2026-11-20T22:08:31.601503Z",
}
JOB_BODY = {
    "id": ID,
    "url": f"https://example.org{JOB_PATH}",
    "status": "succeeded",
    "progress": {"total": 1, "succeeded": 1, "failed": 0},
}
REVIEW_BODY = {"id": ID, "verdict": "correct"}
PREDICTION, JOB = Prediction.from_json(PREDICTION_BODY), BatchJob.from_json(JOB_BODY)


class Recorder:
    """Call a method of one of the clients. `paths` contains those of its requests."""

    def __init__(self, kind: type[Client] | type[AsyncClient]) -> None:
        self.paths: list[str] = []
        self.client = kind("https://example.org", "token", transport=httpx.MockTransport(self.respond))

    def respond(self, request: httpx.Request) -> httpx.Response:
        self.paths.append(request.url.path)
        body = PREDICTION_BODY if "predictions" in request.url.path else JOB_BODY
        return httpx.Response(200, content=json.dumps(REVIEW_BODY if request.url.path.endswith("reviews/") else body))

    def call(self, method: str, *arguments: Any) -> Any:
        result = getattr(self.client, method)(*arguments)
        return asyncio.run(result) if inspect.isawaitable(result) else result


@pytest.fixture(params=[Client, AsyncClient])
def recorder(request) -> Recorder:
    return Recorder(request.param)


@pytest.mark.parametrize("identifier", [ID, uuid.UUID(ID), PREDICTION])
def test_a_prediction_and_its_id_are_the_same(recorder, identifier):
    assert recorder.call("get", identifier) == PREDICTION
    assert isinstance(recorder.call("review", identifier, "correct"), Review)
    assert recorder.paths == [PREDICTION_PATH, f"{PREDICTION_PATH}reviews/"]


@pytest.mark.parametrize("identifier", [ID, uuid.UUID(ID), JOB])
def test_a_batch_job_and_its_id_are_the_same(recorder, tmp_path, identifier):
    assert recorder.call("get_job", identifier) == JOB
    recorder.call("download_results", identifier, tmp_path / "results.csv")
    assert recorder.paths == [JOB_PATH, f"{JOB_PATH}results/"]


@pytest.mark.parametrize(
    ("method", "value", "message"),
    [
        ("wait", ID, "call get or get_job first. Received: str"),
        ("cancel", ID, "call get or get_job first. Received: str"),
        ("wait", None, "Received: NoneType"),
        ("get", JOB, "Expected a Prediction, or its ID. Received: BatchJob"),
        ("get", 5, "Received: int"),
        ("get_job", PREDICTION, "Expected a BatchJob, or its ID. Received: Prediction"),
        ("review", JOB, "Received: BatchJob"),
    ],
)
def test_other_values_are_rejected_before_a_request(recorder, method, value, message):
    with pytest.raises(TypeError, match=message):
        recorder.call(method, value)
    assert recorder.paths == []
