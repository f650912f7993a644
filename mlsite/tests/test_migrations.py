"""Migrations run backwards and forwards on a database with rows, and agree with the models."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import connection

from predictions.models import Prediction
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction

APPS = ("evaluation", "monitoring", "predictions", "registry", "events")

# SQLite copies a table to change it, which takes 40 s for all migrations. `make check` compares the models, too.
pytestmark = [pytest.mark.slow] if connection.vendor == "sqlite" else []


@pytest.mark.django_db(transaction=True)
def test_every_migration_is_reversible(shades, user):
    review_prediction(prediction=make_prediction(user), reviewer=user, verdict="correct")
    call_command("roll_up", verbosity=0)
    try:
        for app in APPS:
            call_command("migrate", app, "zero", verbosity=0)
        tables = connection.introspection.table_names()
        assert not [table for table in tables if table.startswith(APPS)]
    finally:
        call_command("migrate", verbosity=0)
    assert not Prediction.objects.exists()
    codenames = set(Group.objects.get(name="Reviewers").permissions.values_list("codename", flat=True))
    assert {"view_prediction", "view_review", "view_modelversion"} <= codenames


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
