"""Fixtures of the predictions app."""

import errno
import os
import threading

import pytest

import core.tasks
from core import leases
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input
from predictions.services import predict, review_prediction, withdraw_review
from predictions.services.background import TASK_NAME
from predictions.services.batch_jobs import chunks, create_batch_job
from predictions.tests.factories import make_image_file, make_prediction
from predictions.tests.runtimes import SwitchedRuntime
from registry.references import resolve_model
from registry.services import register_model
from registry.serving import lease_predictor


@pytest.fixture
def three(shades, user):
    """Return three predictions of one user: black, grey and white."""
    return [make_prediction(user, make_image(shade), client_reference=f"ref-{shade}") for shade in (0, 127, 255)]


@pytest.fixture
def variety(shades, flowers, blends, reviews, parcels, register_failing, user, other, reviewer):
    """Return predictions of all kinds of input and output: reviewed, failed, with warnings, and of two users."""
    register_failing(nan=True)
    row = {"petals": 5, "length": 4, "colour": "white"}
    options = {"user": user, "source": "api"}
    image, several, value, other_value = (
        make_prediction(user, make_noise_image(1), name="=é.png", model="shades", client_reference="-1\u2028"),
        make_prediction(user, make_image(64), model="blends"),
        predict(**options, features=row, model="flowers"),
        predict(user=other, source="web", features=row, model="flowers"),
    )
    others = [
        make_prediction(user, make_image(255), model="blends"),
        predict(**options, text='Größe "x"', model="reviews"),
        predict(**options, image=make_image_file(make_image(255, size=(8, 8))), features={"weight": 3}, model="parcels"),
        make_prediction(user, model="failing"),
        predict(user=None, source="cli", features={**row, "petals": 0}, model="flowers"),
    ]
    # PostgreSQL reorders keys, SQLite does not.
    Input.objects.filter(pk=value.input_id).update(features=dict(reversed(value.input.features.items())))
    review_prediction(prediction=image, reviewer=user, true_label="grey", comment="Dark.")
    review_prediction(prediction=image, reviewer=reviewer, verdict="unsure", picked_by="random")
    review_prediction(prediction=several, reviewer=user, true_labels=[])
    review_prediction(prediction=value, reviewer=user, true_value=1.0)
    review_prediction(prediction=value, reviewer=reviewer, true_value=2.5)
    withdraw_review(prediction=value, reviewer=reviewer)
    review_prediction(prediction=other_value, reviewer=reviewer, verdict="correct")
    return [image, several, value, other_value, *others]


@pytest.fixture
def switched(db, write_dummy, settings, monkeypatch):
    """Return a loaded version in production with a queue of one input, whose `SwitchedRuntime` can fail or block."""
    settings.MAX_BATCH = settings.MAX_QUEUE = 1
    monkeypatch.setattr(SwitchedRuntime, "is_open", threading.Event())
    SwitchedRuntime.is_open.set()
    folder = write_dummy()
    manifest = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(f'runtime = "predictions.tests.runtimes.SwitchedRuntime"\n{manifest}')
    version = register_model(path=folder, trusted=True, promote=True)
    with lease_predictor(version):
        pass  # loads it
    yield version
    SwitchedRuntime.is_open.set()


@pytest.fixture
def fill_disk(monkeypatch):
    """Let the operating system report a full disk whenever a file is written."""

    def fail(descriptor):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", fail)


@pytest.fixture
def tasks(monkeypatch):
    """Collect the tasks that are enqueued instead of running them."""
    enqueued: list[str] = []
    monkeypatch.setitem(core.tasks._tasks, TASK_NAME, enqueued.append)
    monkeypatch.setattr(core.tasks, "_enqueue", lambda name, row_id: core.tasks._tasks[name](row_id))
    return enqueued


@pytest.fixture
def make_job(user):
    """Return a function that creates a batch job."""

    def make(file=None, model="", *, owner=user, **options):
        return create_batch_job(user=owner, resolved=resolve_model(model), file=file, **options)

    return make


@pytest.fixture
def small_chunks(monkeypatch):
    """Let batch jobs process four rows at a time."""
    monkeypatch.setattr(chunks, "MAX_CHUNK_ROWS", 4)


@pytest.fixture
def short_waits(monkeypatch):
    """Let batch jobs wait only for a moment, for a model or for the disk."""
    monkeypatch.setattr(leases, "FIRST_DELAY_SECONDS", 0.01)
    monkeypatch.setattr(leases, "MAX_WAIT_SECONDS", 0.05)
