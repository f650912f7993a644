"""The commands that register, promote and check models."""

import errno
import os
import re
from pathlib import Path

import pytest

from core.tests.commands import run_command
from registry.models import Alias
from registry.services import register_model

pytestmark = pytest.mark.django_db


def test_models_are_registered_and_promoted(write_dummy):
    out, _, error = run_command("register_model", write_dummy(), "--promote")
    assert error is None
    assert "Registered shades:1.\n" in out
    assert "shades@production -> 1" in out
    run_command("register_model", write_dummy(sleep=0.001))
    assert run_command("promote_model", "shades", 2)[0] == "shades@production: 1 -> 2\n"
    assert run_command("promote_model", "shades", 1, "--alias", "staging")[0] == "shades@staging: none -> 1\n"
    assert {str(alias): alias.version.number for alias in Alias.objects.all()} == {
        "shades@production": 2,
        "shades@staging": 1,
    }


def test_register_model_accepts_a_name_and_labels(write_dummy, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("night\nfog\nsnow\n")
    assert "Registered weather:1" in run_command("register_model", write_dummy(), "--name", "weather", "--labels", labels)[0]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("register_model", "/nowhere"), "There is no file or folder /nowhere."),
        (
            ("promote_model", "nope", 1),
            "There is no model named 'nope'. Register it first.",
        ),
    ],
)
def test_errors_are_short_and_say_what_to_do(arguments, text):
    assert text in run_command(*arguments)[2]


def test_a_full_disk_is_a_short_error_and_leaves_no_copy(write_dummy, settings, monkeypatch):
    def fail(descriptor):
        raise OSError(errno.ENOSPC, "full")

    path = write_dummy()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        error = run_command("register_model", path)[2]
    assert error == f"Not registered: the folder {settings.MODEL_ROOT} cannot be written: No space left on device."
    assert [item for item in Path(settings.MODEL_ROOT).rglob("*") if item.is_file()] == []
    assert "Registered shades:1" in run_command("register_model", path)[0]


def test_check_models_reports_served_versions_that_fail(shades, write_dummy, settings):
    assert "shades:1: ok" in run_command("check_models")[0]
    broken = register_model(path=write_dummy(name="broken"), promote=True)
    Path(settings.MODEL_ROOT, broken.artifact).write_text("{}")
    _, err, error = run_command("check_models")
    assert "broken:1: artifact-mismatch" in err
    assert error == "1 of 2 versions with an alias failed."


def test_check_models_without_models_explains_how_to_register_one():
    assert "register_model PATH --promote" in run_command("check_models")[0]


def test_register_model_prints_why_a_model_fails(write_rows):
    error = run_command("register_model", write_rows(fail="column wool is missing"))[2]
    assert "The model failed on a row of typical values: column wool is missing. Add a row" in error


def test_register_model_prints_that_a_version_is_trusted(write_rows):
    out = run_command("register_model", write_rows(), "--trusted")[0]
    assert re.search(r"Trusted +yes: loading it can run its author's code", out)
