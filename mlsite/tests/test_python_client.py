"""clients/python, against a running site."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import uuid
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from mlsite_client import (
    AsyncClient,
    AuthenticationFailed,
    Client,
    InvalidRequest,
    NotFound,
    Prediction,
    Problem,
    RetryPolicy,
    ServerFailed,
    WaitTimeout,
)
from mlsite_client.cli import main

from mlsite.tests.site import SAMPLES

pytestmark = [pytest.mark.once, pytest.mark.site, pytest.mark.xdist_group("site")]
SEVEN, THREE = SAMPLES / "seven.png", SAMPLES / "three.png"
ROW = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}


@pytest.fixture(scope="module")
def token(site) -> str:
    return site.create_token()


@pytest.fixture
def client(site, token) -> Iterator[Client]:
    with Client(site.url, token) as client:
        yield client


def read_csv(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_one_input_of_each_kind(client):
    image = client.predict(SEVEN, model="digits", client_reference="scan-1")
    assert (image.status, image.label, image.model, image.client_reference) == ("succeeded", "7", "digits", "scan-1")
    assert client.predict(SEVEN.read_bytes(), model="digits").label == "7"
    with SEVEN.open("rb") as file:
        assert client.predict(file, model="digits").raw["input"]["original_name"] == "seven.png"
    row = client.predict(features=ROW, model="iris")
    assert row.label == next(iter(row.scores)) == "setosa"
    assert row.confidence == max(row.scores.values())
    assert client.get(row.id) == row


def test_a_repeated_request_is_stored_once(client):
    key, reference = str(uuid.uuid4()), f"once-{uuid.uuid4()}"
    first, second = (client.predict(SEVEN, model="digits", idempotency_key=key) for _ in range(2))
    assert first.id == second.id
    first, second = (
        client.predict(features=ROW, model="iris", client_reference=reference, unique_reference=True) for _ in range(2)
    )
    assert first.id == second.id
    with pytest.raises(InvalidRequest) as caught:
        client.predict(THREE, model="digits", idempotency_key=key)
    assert caught.value.code == "idempotency-key-reused"


def test_errors(client, site):
    with pytest.raises(InvalidRequest) as caught:
        client.predict(features={**ROW, "petal_width": "wide"}, model="iris")
    assert [error["field"] for error in caught.value.errors] == ["features.petal_width"]
    with pytest.raises(NotFound, match="no-model"):
        client.predict(SEVEN, model="no-model")
    with pytest.raises(NotFound):
        client.get(str(uuid.uuid4()))
    with Client(site.url, "wrong") as other, pytest.raises(AuthenticationFailed):
        other.models()
    assert {"digits", "iris"} <= {model["name"] for model in client.models()}


def test_many_images_with_an_invalid_one(client):
    done = []
    results = client.predict_many([SEVEN, b"no image", THREE], model="digits", progress=lambda *state: done.append(state))
    assert [getattr(result, "label", None) for result in results] == ["7", None, "3"]
    assert isinstance(results[1], Problem) and results[1].field == "image"
    assert done[0] == (0, 3) and done[-1] == (3, 3)


def test_more_images_than_a_batch_has(client):
    results = client.predict_many([SEVEN, THREE] * 20, model="digits")
    assert [result.label for result in results] == ["7", "3"] * 20


def test_a_data_frame_and_rows(client):
    frame = pd.DataFrame([ROW, {**ROW, "petal_length": 6.0, "petal_width": 2.5}])
    labels = [result.label for result in client.predict_many(frame, model="iris")]
    assert labels == ["setosa", "virginica"]
    assert [result.label for result in client.predict_many(frame.to_dict("records"), model="iris")] == labels
    assert client.predict_many([], model="iris") == []


def test_queued_predictions_are_awaited_and_canceled(client):
    queued = client.submit(SEVEN, model="digits", expires_in=60)
    assert queued.status in ("queued", "running", "succeeded")
    prediction = client.wait(queued, timeout=60)
    assert (prediction.id, prediction.label) == (queued.id, "7")
    with pytest.raises(InvalidRequest) as caught:
        client.cancel(prediction)
    assert caught.value.code == "already-final"


def test_a_batch_job_of_a_table(client, tmp_path):
    path = tmp_path / "flowers.csv"
    frame = pd.DataFrame([ROW] * 30).rename(columns={"petal_width": "width of the petal"})
    frame.loc[3, "sepal_length"] = -1.0
    frame.to_csv(path, index=False)
    job = client.submit_job(path, model="iris", mapping={"petal_width": "width of the petal"})
    with pytest.raises(WaitTimeout):
        client.wait(job, timeout=0)
    job = client.wait(job, timeout=60)
    assert (job.status, job.total, job.succeeded, job.failed) == ("succeeded", 30, 29, 1)
    rows = read_csv(client.download_results(job, tmp_path / "results.csv"))
    assert [row["label"] for row in rows] == ["setosa"] * 3 + [""] + ["setosa"] * 26
    assert not list(tmp_path.glob("*.part"))
    assert len(list(client.predictions(batch_job=job.id))) == 29


def test_lists_reviews_and_exports(client, tmp_path):
    reference = f"list-{uuid.uuid4()}"
    prediction = client.predict(features=ROW, model="iris", client_reference=reference)
    assert [found.id for found in client.predictions(client_reference=reference)] == [prediction.id]
    review = client.review(prediction, "incorrect", true_label="virginica", comment="by hand")
    assert (review.verdict, review.true_label, review.comment) == ("incorrect", "virginica", "by hand")
    result = client.send_ground_truth([{"client_reference": reference, "true_label": "setosa"}])
    assert result["accepted"] == 1
    path = client.export(tmp_path / "all.csv", client_reference=reference, reviewed=True)
    assert [row["id"] for row in read_csv(path)] == [prediction.id]
    with pytest.raises(InvalidRequest):
        client.export(tmp_path / "none.csv", color="red")
    assert not (tmp_path / "none.csv").exists()


def test_the_asynchronous_client_has_the_same_methods(site, token, tmp_path):
    archive = tmp_path / "digits.zip"
    with zipfile.ZipFile(archive, "w") as file:
        file.write(SEVEN, "a/seven.png")
        file.write(THREE, "three.png")

    async def run():
        async with AsyncClient(site.url, token) as client:
            labels = [item.label for item in await asyncio.gather(*(client.predict(path) for path in (SEVEN, THREE)))]
            queued = await client.wait(await client.submit(features=ROW, model="iris"), timeout=60)
            job = await client.wait(await client.submit_job(archive, model="digits"), timeout=60)
            results = await client.download_results(job, tmp_path / "results.csv")
            many = await client.predict_many([SEVEN], model="digits")
            listed = [item.id async for item in client.predictions(batch_job=job.id)]
            return labels, queued.label, job.succeeded, read_csv(results), many[0].label, len(listed)

    labels, queued, succeeded, results, many, listed = asyncio.run(run())
    assert (labels, queued, succeeded, many, listed) == (["7", "3"], "setosa", 2, "7", 2)
    assert [row["label"] for row in results] == ["7", "3"]


def test_a_server_that_is_down(token):
    with (
        Client("http://127.0.0.1:9", token, retries=RetryPolicy(max_retries=0)) as client,
        pytest.raises(Exception) as caught,
    ):
        client.models()
    assert type(caught.value).__name__ == "ConnectionFailed"
    assert not isinstance(caught.value, ServerFailed)


def test_the_command_predicts_and_reports_errors(client, site, token, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MLSITE_URL", site.url)
    monkeypatch.setenv("MLSITE_TOKEN", token)
    table = tmp_path / "flowers.csv"
    pd.DataFrame([ROW] * 2).to_csv(table, index=False)
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    assert main(["predict", str(SEVEN), "--model", "digits"]) == 0
    assert capsys.readouterr().out.startswith(f"{SEVEN}\t7\t")
    assert main(["predict", str(broken), "--model", "digits"]) == 1
    assert "error" in capsys.readouterr().out
    assert main(["predict", str(table), "--model", "iris"]) == 0
    assert [row["label"] for row in csv.DictReader(io.StringIO(capsys.readouterr().out))] == ["setosa"] * 2
    assert main(["list", "model=iris", "--limit", "2", "--json"]) == 0
    assert [next(iter(json.loads(line))) for line in capsys.readouterr().out.splitlines()] == ["id", "id"]
    assert main(["export", str(tmp_path / "all.jsonl"), "model=iris"]) == 0
    assert (tmp_path / "all.jsonl").stat().st_size
    assert main(["export", str(tmp_path / "all.xlsx"), "model=iris"]) == 0
    assert (tmp_path / "all.xlsx").read_bytes().startswith(b"PK")
    prediction = client.predict(SEVEN, model="digits")
    assert isinstance(prediction, Prediction)
    assert main(["review", prediction.id, "incorrect", "--true-label", "1"]) == 0
    assert main(["predict", str(tmp_path / "missing.png"), str(SEVEN), "--model", "digits"]) == 1
    assert "missing.png: No such file or directory\n" in capsys.readouterr().out
    assert main(["predict", str(tmp_path / "missing.csv")]) == 2
    assert capsys.readouterr().err.endswith("missing.csv: No such file or directory\n")
    assert main(["list", "color=red"]) == 2
