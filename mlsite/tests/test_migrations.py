"""Migrations run backwards and forwards on a database with rows."""

import pytest
from django.core.management import call_command
from django.db import connection

APPS = ("monitoring", "predictions", "registry")


@pytest.mark.django_db(transaction=True)
def test_every_migration_is_reversible():
    try:
        for app in APPS:
            call_command("migrate", app, "zero", verbosity=0)
        tables = connection.introspection.table_names()
        assert not [table for table in tables if table.startswith(APPS)]
    finally:
        call_command("migrate", verbosity=0)


@pytest.mark.django_db
def test_models_and_migrations_agree():
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)
