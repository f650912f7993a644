"""The order of the steps that make a prediction durable, and the check of this order."""

import os

import pytest
from django.core.files.base import ContentFile
from django.http import HttpResponse
from uuid_utils.compat import uuid7

from core import storage as file_storage
from core.group_commit import GroupCommit
from inference.tests.factories import make_noise_image
from predictions.models import Prediction
from predictions.services import storage
from predictions.services.batch import BatchItem, predict_batch
from predictions.services.inserts import insert_predictions
from predictions.tests.factories import PREDICTIONS_URL, make_upload
from predictions.tests.write_order import COMMIT, FILE, FOLDER, INSERT, RENAME, find_order_breaches, record_steps
from registry.references import resolve_model

pytestmark = pytest.mark.django_db(transaction=True)


def send(api, **headers):
    return api.post(PREDICTIONS_URL, {"image": make_upload(make_noise_image(1)), "model": "shades"}, headers=headers)


def store_batch(api):
    images = [ContentFile(make_noise_image(seed), name=f"{seed}.png") for seed in range(5)]
    items = [BatchItem(image=image) for image in images]
    predict_batch(user=None, source="cli", items=items, resolved=resolve_model("shades"))
    return HttpResponse(status=201)


REQUESTS = {
    "one image": send,
    "with a key": lambda api: send(api, idempotency_key=str(uuid7())),
    "in the background": lambda api: send(api, prefer="respond-async"),
    "many images": store_batch,
}


@pytest.mark.parametrize("request_kind", REQUESTS)
def test_each_kind_of_request_is_durable_before_its_response(shades, api, tasks, monkeypatch, request_kind):
    send(api)  # creates the folders
    with record_steps(monkeypatch) as steps:
        response = REQUESTS[request_kind](api)
        recorded = list(steps)
    assert response.status_code in (201, 202), response.content
    assert find_order_breaches(recorded) == []
    assert recorded.count(RENAME) == (5 if request_kind == "many images" else 1)


def drop_file_sync(monkeypatch):
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: fsync(fd) if os.path.isdir(f"/proc/self/fd/{fd}") else None)


def drop_folder_sync(monkeypatch):
    monkeypatch.setattr(file_storage, "_fsync_folder", lambda folder: None)


def insert_before_file(monkeypatch):
    def store_file_later(row, data):
        later.append((row, data))
        row.image = "inputs/ab/x.png"

    def insert_first(rows):
        failures = insert_predictions(rows)
        for item in later:
            store_file(*item)
        return failures

    later, store_file = [], storage._store_file
    monkeypatch.setattr(storage, "_store_file", store_file_later)
    monkeypatch.setattr(storage, "_group", GroupCommit(insert_first))


def respond_before_commit(monkeypatch):
    """The rows would be written after the response."""
    monkeypatch.setattr(storage, "_group", GroupCommit(lambda rows: [None] * len(rows)))


MUTATIONS = {
    drop_file_sync: "fsync file is missing",
    drop_folder_sync: "fsync folder is missing",
    insert_before_file: "insert before fsync folder",
    respond_before_commit: "insert is missing",
}


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_each_mutation_of_the_order_is_found(shades, api, monkeypatch, mutate):
    send(api)
    with record_steps(monkeypatch) as steps, pytest.MonkeyPatch.context() as patch:
        mutate(patch)
        response = send(api)
        recorded = list(steps)
    assert response.status_code == 201
    assert any(MUTATIONS[mutate] in breach for breach in find_order_breaches(recorded)), recorded
    assert Prediction.objects.count() == (1 if mutate is respond_before_commit else 2)


@pytest.mark.once
@pytest.mark.parametrize(
    ("steps", "breach"),
    [
        ([FILE, RENAME, FOLDER, INSERT, COMMIT], ""),
        ([COMMIT, FILE, RENAME, FOLDER, INSERT, COMMIT], ""),
        ([FILE, FILE, RENAME, RENAME, FOLDER, INSERT, INSERT, COMMIT], ""),
        ([RENAME, FILE, FOLDER, INSERT, COMMIT], "rename before fsync file"),
        ([FILE, RENAME, RENAME, FOLDER, INSERT, COMMIT], "rename before fsync file"),
        ([FILE, FOLDER, RENAME, INSERT, COMMIT], "fsync folder before rename"),
        ([FILE, RENAME, INSERT, FOLDER, COMMIT], "insert before fsync folder"),
        ([FILE, RENAME, FOLDER, COMMIT, INSERT], "commit before insert"),
    ],
)
def test_the_order_of_steps(steps, breach):
    assert breach in find_order_breaches(steps) if breach else find_order_breaches(steps) == []
