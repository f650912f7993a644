"""`check --deploy` finds artifacts that differ from the registered ones."""

from pathlib import Path

import pytest
from django.db import DatabaseError

from registry import checks

pytestmark = pytest.mark.once


def test_damaged_and_missing_artifacts_are_found(shades, settings):
    assert checks.check_artifacts() == []
    path = Path(settings.MODEL_ROOT, shades.artifact)
    path.write_bytes(path.read_bytes() + b" ")
    (message,) = checks.check_artifacts()
    assert (message.id, "shades:1" in message.msg, bool(message.hint)) == ("registry.E002", True, True)
    path.unlink()
    (message,) = checks.check_artifacts()
    assert message.id == "registry.E001"


def test_another_check_reports_a_database_that_does_not_respond(monkeypatch):
    def fail():
        raise DatabaseError

    monkeypatch.setattr(checks.ModelVersion.objects, "served", fail)
    assert checks.check_artifacts() == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [("", []), ("shades", []), ("shades:1", []), ("shade", ["registry.W001"]), ("shades@other", ["registry.W001"])],
)
def test_an_unknown_default_model_is_found(shades, settings, name, expected):
    settings.DEFAULT_MODEL = name
    assert [message.id for message in checks.check_default_model()] == expected
