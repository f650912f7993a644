"""References lead to the right version, as far as the user may use it."""

import pytest

from registry.errors import InactiveModel, UnknownModel
from registry.references import resolve_version
from registry.services import promote_model, register_model

pytestmark = pytest.mark.django_db


def test_a_model_without_an_alias_is_only_for_operators_and_reviewers(write_dummy, user, reviewer):
    version = register_model(path=write_dummy())
    assert resolve_version("shades:1") == resolve_version("shades:1", user=reviewer) == version
    with pytest.raises(InactiveModel):
        resolve_version("shades:1", user=user)
    promote_model(name="shades", number=1)
    assert resolve_version("shades:1", user=user) == version


def test_the_default_model_is_the_configured_one_or_the_first_registered(write_dummy, settings):
    first = register_model(path=write_dummy(name="zebra"), promote=True)
    second = register_model(path=write_dummy(name="ant"), promote=True)
    assert resolve_version("") == first
    settings.DEFAULT_MODEL = "ant"
    assert resolve_version("") == second


def test_without_models_the_error_explains_how_to_register_one():
    with pytest.raises(UnknownModel, match="register_model PATH --promote"):
        resolve_version("")
