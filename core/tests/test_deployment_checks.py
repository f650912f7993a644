"""`check --deploy` finds the settings that are not safe in production."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder
from django.urls import path
from django.utils import timezone
from django.utils.functional import empty
from django.views.static import serve

from core import database_checks, deployment_checks
from core.availability import write_check
from core.deployment_checks import DEBUG_KEY

urlpatterns = [path("media/<path:path>", serve)]


@pytest.fixture
def production(settings, tmp_path, monkeypatch):
    """Return settings in which no check finds anything, except Django's own."""
    settings.SECRET_KEY = "JZk3vQ8TnP5xWm2LrYd7HsBf9GcKe4AuVj6XoNqEpRtDzSiMwUyChbgF"
    settings.VAR_DIR = tmp_path
    settings.STATIC_ROOT = tmp_path / "static"
    settings.MEDIA_ROOT, settings.MODEL_ROOT = str(tmp_path / "media"), str(tmp_path / "models")
    settings.ALLOWED_HOSTS = ["mlsite.example.org"]
    settings.HTTPS, settings.TRUSTED_PROXIES, settings.DEMO_PASSWORD = True, 1, ""
    database = tmp_path / "database.sqlite3"
    database.touch(0o600)
    monkeypatch.setitem(settings.DATABASES, "default", settings.DATABASES["default"] | {"NAME": str(database)})
    tmp_path.chmod(0o700)
    return settings


def list_ids(check):
    return [message.id for message in check()]


CHECKS = (
    deployment_checks.check_secret_key,
    deployment_checks.check_public_media,
    deployment_checks.check_image_formats,
    deployment_checks.check_timeouts,
    deployment_checks.check_permissions,
    deployment_checks.check_hosts,
)


@pytest.mark.once
@pytest.mark.parametrize("check", CHECKS)
def test_production_settings_are_clean(production, check):
    assert list_ids(check) == []


@pytest.mark.once
def test_static_files_that_are_not_collected_are_found(production, tmp_path):
    source = tmp_path / "source"
    source.mkdir()
    (source / "site.css").write_text("p {}")
    production.STATICFILES_DIRS = [source]
    production.STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.FileSystemFinder"]
    production.STORAGES = production.STORAGES | {
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"}
    }
    assert list_ids(deployment_checks.check_static_files) == ["core.E017"]
    call_command("collectstatic", interactive=False, verbosity=0)
    staticfiles_storage._wrapped = empty  # a new process reads the manifest
    assert list_ids(deployment_checks.check_static_files) == []


@pytest.mark.once
@pytest.mark.parametrize(
    ("check", "name", "value", "expected"),
    [
        ("secret_key", "SECRET_KEY", DEBUG_KEY * 4, "core.E004"),
        ("secret_key", "SECRET_KEY", "password" * 8, "core.E004"),
        ("public_media", "STATIC_ROOT", "/", "core.E005"),
        ("public_media", "STATICFILES_DIRS", ["/"], "core.E005"),
        ("public_media", "WHITENOISE_ROOT", "/", "core.E005"),
        ("timeouts", "DATABASE_TIMEOUT", 60.0, "core.W002"),
        ("timeouts", "DATABASE_TIMEOUT", 0.0, "core.W002"),
        ("timeouts", "DATABASE_JOB_TIMEOUT", 0.0, "core.W003"),
        ("timeouts", "PREDICT_TIMEOUT", 600.0, "core.W004"),
        ("hosts", "ALLOWED_HOSTS", ["*"], "core.W006"),
        ("hosts", "ALLOWED_HOSTS", ["localhost"], "core.W007"),
        ("hosts", "TRUSTED_PROXIES", 0, "core.W008"),
        ("hosts", "DEMO_PASSWORD", "demo", "core.W009"),
    ],
)
def test_an_unsafe_setting_is_found(production, check, name, value, expected):
    setattr(production, name, value)
    messages = getattr(deployment_checks, f"check_{check}")()
    assert {message.id for message in messages} == {expected}
    assert all(message.hint for message in messages)


@pytest.mark.once
def test_a_url_that_serves_uploaded_files_is_found(production):
    production.ROOT_URLCONF, production.MEDIA_URL = __name__, "/media/"
    assert list_ids(deployment_checks.check_public_media) == ["core.E006"]


@pytest.mark.once
def test_an_additional_decoder_is_found(monkeypatch):
    monkeypatch.setattr(deployment_checks, "DECODERS", ("JPEG", "EPS"))
    (message,) = deployment_checks.check_image_formats()
    assert (message.id, "EPS" in message.msg) == ("core.E007", True)


@pytest.mark.once
@pytest.mark.parametrize("permission", [0o010, 0o040, 0o001, 0o004])
def test_files_that_others_can_open_are_found(production, tmp_path, monkeypatch, permission):
    environment = tmp_path / "env"
    environment.touch()
    environment.chmod(0o600 | permission)
    monkeypatch.setenv("ENV_FILE", str(environment))
    for name in (tmp_path, Path(production.DATABASES["default"]["NAME"])):
        os.chmod(name, 0o700 | permission)
    expected = 2 + production.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    assert list_ids(deployment_checks.check_permissions) == ["core.W005"] * expected


@pytest.mark.django_db
def test_the_database_of_the_tests_is_checked(monkeypatch):
    """The server of the tests does not sync. The settings of SQLite are those of production."""
    monkeypatch.setattr(write_check, "_expires", 0.0)
    expected = {"core.E011"} if connection.vendor == "postgresql" else set()
    assert set(list_ids(database_checks.check_database)) <= expected


class FakeCursor:
    """A cursor of a database with these settings."""

    def __init__(self, **values):
        self.values = values

    def execute(self, sql, params=()):
        self.name = params[0] if params else sql.split()[-1]

    def fetchone(self):
        return (self.values[self.name],)


@pytest.mark.once
@pytest.mark.parametrize(
    ("check", "name", "value", "expected"),
    [
        ("postgresql", "fsync", "off", ["core.E011"]),
        ("postgresql", "full_page_writes", "off", ["core.E012"]),
        ("postgresql", "synchronous_commit", "off", ["core.E013"]),
        ("postgresql", "synchronous_commit", "remote_apply", []),
        ("postgresql", "clock_timestamp()", datetime(2020, 1, 1, tzinfo=UTC), ["core.W012"]),
        ("sqlite", "synchronous", 1, ["core.E014"]),
        ("sqlite", "journal_mode", "memory", ["core.E015"]),
        ("sqlite", "journal_mode", "delete", ["core.W010"]),
        ("sqlite", "synchronous", 3, []),
    ],
)
def test_a_wrong_setting_of_the_database_is_found(check, name, value, expected):
    safe = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on", "synchronous": 2, "journal_mode": "wal"}
    safe["clock_timestamp()"] = timezone.now()
    messages = getattr(database_checks, f"_check_{check}")(FakeCursor(**safe | {name: value}))
    assert [message.id for message in messages] == expected


def test_a_read_only_database_is_found(open_connection, monkeypatch):
    monkeypatch.setattr(write_check, "_expires", 0.0)
    with connection.cursor() as cursor:
        is_postgresql = connection.vendor == "postgresql"
        cursor.execute("SET default_transaction_read_only = on" if is_postgresql else "PRAGMA query_only = ON")
    assert "core.E016" in list_ids(database_checks.check_database)
    connection.close()
    monkeypatch.setattr(write_check, "_expires", 0.0)


@pytest.mark.django_db
def test_migrations_that_are_not_applied_are_found():
    assert database_checks.check_migrations() == []
    executor = MigrationExecutor(connection)
    app, name = next(node for node in executor.loader.graph.leaf_nodes() if node[0] == "monitoring")
    MigrationRecorder(connection).record_unapplied(app, name)
    (message,) = database_checks.check_migrations()
    assert (message.id, message.msg) == ("core.E025", f"Migrations are not applied: 1. The first one is {app}.{name}.")


@pytest.mark.django_db
def test_a_database_that_does_not_respond_is_found(monkeypatch):
    def fail(*args):
        raise database_checks.DatabaseError("connection\nrefused")

    monkeypatch.setattr(connection, "cursor", fail)
    (message,) = database_checks.check_database()
    assert (message.id, message.msg) == ("core.E010", "The database does not respond: connection refused")


@pytest.mark.django_db
@pytest.mark.once
def test_these_checks_run_only_with_deploy(settings):
    settings.ALLOWED_HOSTS = ["*"]
    assert "core.W006" not in {message.id for message in run_checks()}
    assert "core.W006" in {message.id for message in run_checks(include_deployment_checks=True)}
