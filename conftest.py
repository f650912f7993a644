"""Fixtures of all tests: a model that needs no library, people, pictures."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

LABELS = ["black", "grey", "white"]


@pytest.fixture(autouse=True)
def _own_folders(settings, tmp_path) -> Iterator[None]:
    """Give each test its own media and model folders, and a pool with nothing loaded."""
    from predictions.registry import make_pool

    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.MODEL_ROOT = str(tmp_path / "models")
    yield
    if make_pool.cache_info().currsize:
        make_pool().close()
        make_pool.cache_clear()


@pytest.fixture
def write_dummy(tmp_path) -> Callable[..., Path]:
    """Return a function that writes a folder with a dummy model and its model.toml."""

    def write(name: str = "shades", labels: list[str] | None = None, **behaviour: object) -> Path:
        labels = labels or LABELS
        folder = tmp_path / "made" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        (folder / f"{name}.dummy.json").write_text(json.dumps({"classes": len(labels), **behaviour}))
        (folder / "model.toml").write_text(
            f'name = "{name}"\nartifact = "{name}.dummy.json"\nlabels = {json.dumps(labels)}\n'
            '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\n'
        )
        return folder

    return write


@pytest.fixture
def shades(db, write_dummy):
    """Return a registered model version in production that answers by brightness: black, grey, white."""
    from predictions.services import register_model

    return register_model(path=write_dummy(), promote=True)


@pytest.fixture
def register_failing(db, write_dummy):
    """Return a function that registers a model which works once, at registration, and then misbehaves."""
    from predictions.models import ModelVersion
    from predictions.services import register_model

    def register(**behaviour: object) -> ModelVersion:
        version = register_model(path=write_dummy(name="failing"), promote=True)
        path = Path(settings_model_root(), version.artifact)
        path.write_text(json.dumps({"classes": 3, **behaviour}))
        from inference.pool import file_sha256

        ModelVersion.objects.filter(pk=version.pk).update(sha256=file_sha256(path))
        version.refresh_from_db()
        return version

    return register


def settings_model_root() -> str:
    from django.conf import settings

    return settings.MODEL_ROOT


@pytest.fixture
def make_user(db):
    def make(username: str | None = None, **fields: Any):
        from accounts.models import User

        return User.objects.create_user(username or f"user-{uuid.uuid4().hex[:8]}", password="correct horse", **fields)  # noqa: S106

    return make


@pytest.fixture
def user(make_user):
    return make_user("ada")


@pytest.fixture
def other(make_user):
    return make_user("eve")


@pytest.fixture
def reviewer(make_user):
    from accounts.services import make_reviewer

    person = make_user("rosa")
    make_reviewer(user=person)
    return person


@pytest.fixture
def superuser(make_user):
    return make_user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def token_of():
    """Return a function that makes an API token's Authorization header for a user."""
    from accounts.services import create_token

    def headers(user) -> dict[str, str]:
        return {"authorization": f"Bearer {create_token(user=user, name='test')[1]}"}

    return headers


def need(what: str, found: object) -> None:
    """Skip a test that this machine cannot run; in CI, where everything is installed, that is a failure."""
    if found:
        return
    if os.environ.get("CI"):
        pytest.fail(f"{what} is missing")
    pytest.skip(f"{what} is missing")
