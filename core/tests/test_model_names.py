import pytest
from django.contrib import admin
from django.db.migrations.state import ModelState

from core.model_names import NAMES, list_derived_fields, list_own_apps
from predictions.models import Prediction

pytestmark = pytest.mark.once


def test_the_names_of_all_models_and_of_the_fields_in_the_admin_are_collected_for_translation():
    apps = list_own_apps()
    models = [model for config in apps for model in config.get_models()]
    derived = {str(config.verbose_name) for config in apps}
    derived |= {str(model._meta.verbose_name) for model in models if "verbose_name" not in model._meta.original_attrs}
    derived |= {str(field.verbose_name) for field in list_derived_fields() if admin.site.is_registered(field.model)}
    assert len(models) > 20
    assert derived - set(map(str, NAMES)) == set()


def test_a_translated_name_is_no_migration():
    fields = ModelState.from_model(Prediction).fields
    assert "verbose_name" not in fields["created_at"].deconstruct()[3]
