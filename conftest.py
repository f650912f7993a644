"""Fixtures shared by all tests: dummy models. Those of users and clients are in `accounts.tests.fixtures`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from _pytest import runner

from core.frame_space import call_with_frame_space
from registry.tests.factories import FEATURES_TOML

pytest_plugins = ["accounts.tests.fixtures", "core.tests.buckets", "mlsite.tests.databases"]

MAX_ID_CHARACTERS = 60  # of a parameter, in the name of a test
LABELS = ["black", "grey", "white"]
TEXT_TOML = """
[input]
kind = "text"
title = "Review"
description = "As written by the customer."
max_length = 50
example = "It works."
[[examples]]
text = "Großartig"
value = 9
"""
PARCEL_TOML = """
[input]
kind = "image-tabular"
height = 8
width = 8
channels = 1
scale = "unit"
[[input.features]]
name = "weight"
unit = "kg"
min = 0
example = 2.5
[[input.features]]
name = "express"
type = "boolean"
default = false
"""


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test as pytest does, with space for its frames. Tests of pages then need 15% less CPU."""
    return call_with_frame_space(runner.pytest_runtest_protocol, item, nextitem)


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Describe long parameters in the names of tests by their length."""
    if isinstance(val, str | bytes) and len(val) > MAX_ID_CHARACTERS:
        return f"{argname} of {len(val)}"
    return None


@pytest.fixture(autouse=True, scope="session")
def _request_class() -> None:
    """Let the test client build the same requests as the server."""
    from django.test import client

    from mlsite.requests import Utf8Request

    client.WSGIRequest = Utf8Request  # type: ignore[attr-defined]  # imported there from another module


@pytest.fixture(autouse=True)
def _default_preferences() -> Iterator[None]:
    """Forget the language and the time zone of the last request, because the next test may format without one."""
    from django.utils import timezone, translation

    yield
    translation.deactivate()
    timezone.deactivate()


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path) -> Iterator[None]:
    """Give each test its own media and model folders, and an empty pool."""
    from registry.serving import build_pool

    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.MODEL_ROOT = str(tmp_path / "models")
    yield
    if build_pool.cache_info().currsize:
        build_pool().close()
        build_pool.cache_clear()


@pytest.fixture
def write_dummy(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a folder with a dummy model and its model.toml.

    Its notes are unique, so that each folder is registered as a new version even if the artifacts are the same.
    """

    def write(name: str = "shades", labels: list[str] | None = None, **behaviour: object) -> Path:
        labels = labels or LABELS
        folder = tmp_path / "made" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        (folder / f"{name}.dummy.json").write_text(json.dumps({"classes": len(labels), **behaviour}))
        (folder / "model.toml").write_text(
            f'name = "{name}"\nartifact = "{name}.dummy.json"\nnotes = "{folder.name}"\nlabels = {json.dumps(labels)}\n'
            '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\nscale = "unit"\n'
        )
        return folder

    return write


@pytest.fixture
def write_rows(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a folder with a dummy regression: the sum of all features times a factor.

    Its notes are unique, as those of `write_dummy` are.
    """

    def write(name: str = "flowers", factor: float = 1, more: str = "", **behaviour: object) -> Path:
        folder = tmp_path / "made" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        (folder / f"{name}.dummy.json").write_text(json.dumps({"sum": factor, **behaviour}))
        head = (
            f'name = "{name}"\ntitle = "Flowers"\nartifact = "{name}.dummy.json"\nnotes = "{folder.name}"\n'
            '[output]\nkind = "value"\nunit = "cm²"\n'
        )
        (folder / "model.toml").write_text(head + '[input]\nkind = "tabular"\n' + FEATURES_TOML + more)
        return folder

    return write


@pytest.fixture
def flowers(db, write_rows):
    """Return a regression version in production whose value is the sum of its features."""
    from registry.tests.verified_models import register_dummy

    return register_dummy(write_rows())


@pytest.fixture
def shades(db, write_dummy):
    """Return an image classification version in production with the labels black, grey and white, by brightness."""
    from registry.tests.verified_models import register_dummy

    return register_dummy(write_dummy())


@pytest.fixture
def blends(db, write_dummy):
    """Return a multi-label version in production: an image between black and grey has both labels. See `DummyRuntime`."""
    from registry.tests.verified_models import register_dummy

    folder = write_dummy(name="blends")
    with (folder / "model.toml").open("a") as file:
        file.write('[output]\nkind = "labels"\nthresholds = [0.3]\n')
    return register_dummy(folder)


@pytest.fixture
def reviews(db, tmp_path):
    """Return a text regression version in production whose value is the number of characters."""
    return _register_dummy(tmp_path, "reviews", TEXT_TOML)


@pytest.fixture
def parcels(db, tmp_path):
    """Return a version in production that takes an image and features: the value is the sum of all pixels and features."""
    return _register_dummy(tmp_path, "parcels", PARCEL_TOML)


def _register_dummy(tmp_path: Path, name: str, input_toml: str):
    from registry.tests.verified_models import register_dummy

    folder = tmp_path / "made" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    (folder / "model.dummy.json").write_text(json.dumps({"sum": 1}))
    (folder / "model.toml").write_text(f'name = "{name}"\nartifact = "model.dummy.json"\n' + input_toml)
    return register_dummy(folder)


@pytest.fixture
def register_failing(db, write_dummy, settings):
    """Return a function that puts a misbehaving model into production, which registration would reject."""
    from inference.artifacts import hash_artifact
    from registry.models import ModelVersion
    from registry.services import register_model
    from registry.services.promote import move_alias

    def register(**behaviour: object) -> ModelVersion:
        good = register_model(path=write_dummy(name="failing"))
        path = Path(settings.MODEL_ROOT, "failing", "bad.dummy.json")
        path.write_text(json.dumps({"classes": 3, **behaviour}))
        changed = {"number": 2, "artifact": "failing/bad.dummy.json", "sha256": hash_artifact(path)}
        kept = {"model": good.model, "runtime": good.runtime, "signature": good.signature, "labels": good.labels}
        bad = ModelVersion.objects.create(**kept, **changed, size=path.stat().st_size)
        move_alias(version=bad)
        return bad

    return register
