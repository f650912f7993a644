"""Fixtures shared by the tests of generated data."""

import pytest

from registry.services import register_model
from registry.tests.factories import FEATURES_TOML


@pytest.fixture
def species(db, write_rows):
    """Return a tabular classification version with three labels."""
    folder = write_rows(name="species")
    (folder / "species.dummy.json").write_text('{"classes": 3}')
    head = 'name = "species"\nartifact = "species.dummy.json"\nlabels = ["a", "b", "blüte"]\n[input]\nkind = "tabular"\n'
    (folder / "model.toml").write_text(head + FEATURES_TOML)
    return register_model(path=folder)


@pytest.fixture(params=["shades", "flowers", "species"])
def version(request):
    return request.getfixturevalue(request.param)


@pytest.fixture(params=["shades", "species"])
def classifier(request):
    return request.getfixturevalue(request.param)
