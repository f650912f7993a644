"""Fixtures of the registry's tests."""

import sys
from importlib import import_module

import pytest

from registry.services import register_model
from registry.tests.factories import set_runtime


@pytest.fixture
def versions(db, write_rows):
    """Return two versions of flowers: the sum of the features, which is in production, and ten times the sum."""
    first = register_model(path=write_rows(factor=1), promote=True)
    return first, register_model(path=write_rows(factor=10))


BROKEN_RUNTIME = """
from inference.base import BaseRuntime

class Broken(BaseRuntime):
    works = True

    def load(self):
        if not Broken.works:
            raise OSError("/srv/very/secret/license.key is missing")
        return lambda table: 7 * table.columns["length"]
"""


@pytest.fixture
def broken_folder(write_rows, tmp_path, monkeypatch):
    """Return a folder with a model whose runtime raises an exception after `break_runtime`."""
    (tmp_path / "broken_runtime.py").write_text(BROKEN_RUNTIME)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "broken_runtime", raising=False)
    folder = write_rows()
    set_runtime(folder, "broken_runtime.Broken")
    return folder


@pytest.fixture
def break_runtime(broken_folder):
    """Return a function that lets the runtime of `broken_folder` fail from now on."""

    def break_it():
        import_module("broken_runtime").Broken.works = False

    return break_it
