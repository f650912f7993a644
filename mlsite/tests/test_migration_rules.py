"""Migrations can run while the old code serves requests. Earlier ones, which ran before the first release, are accepted."""

import pytest
from django.db import migrations, models
from django.db.migrations.state import ModelState, ProjectState

from core.operations import AddConstraintOnline, AddIndexOnline
from mlsite.tests.migration_rules import find_breaches, lint_operations, lint_repetition, list_own_apps

pytestmark = pytest.mark.once
# No site has run these on a table with rows while requests were served: the first release contains all of them. Do not add
# to this list after the release: write the migration in two steps instead. See docs/contribute.md#migrations.
ACCEPTED = {
    "accounts.0002_token_scopes",
    "accounts.0005_preferences",
    "predictions.0002_indexes",
    "predictions.0005_prediction_warnings",
    "predictions.0006_multi_label_reviews",
    "predictions.0007_text_inputs",
    "predictions.0009_summaries",
    "predictions.0014_guarded_statuses",
    "predictions.0015_batch_job_images",
    "predictions.0016_idempotency_body",
    "predictions.0017_lease_index",
    "predictions.0020_history",
    "predictions.0021_annotations",
    "registry.0004_version_notices",
    "registry.0005_converted_networks",
}
TEXT = models.CharField


def test_new_migrations_follow_the_rules():
    breaches = [(name, problem) for name, problem in find_breaches(list_own_apps()) if name not in ACCEPTED]
    assert breaches == []


def test_accepted_migrations_need_the_exception():
    assert {name for name, _ in find_breaches(list_own_apps())} >= ACCEPTED


def build_state():
    state = ProjectState()
    fields = [
        ("id", models.BigAutoField(primary_key=True)),
        ("name", TEXT(max_length=10)),
        ("size", models.IntegerField(null=True)),
    ]
    state.add_model(ModelState("app", "Row", fields))
    return state


def alter(name, field):
    return migrations.AlterField("row", name, field)


def add(**options):
    return migrations.AddField("row", "color", TEXT(max_length=9, **options))


def do_nothing(apps, schema_editor):
    pass


@pytest.mark.parametrize(
    ("operation", "problem"),
    [
        (add(), "without it"),
        (add(default="red"), "without it"),  # Django drops the default of the column after it has added it
        (add(null=True, db_index=True), "index"),
        (add(null=True, unique=True), "index"),
        (migrations.RenameField("row", "name", "title"), "old name"),
        (migrations.RenameModel("Row", "Line"), "old name"),
        (migrations.AlterModelTable("row", "lines"), "old name"),
        (migrations.RemoveField("row", "name"), "earlier release"),
        (migrations.DeleteModel("Row"), "earlier release"),
        (migrations.AddIndex("row", models.Index(fields=["name"], name="a")), "AddIndexOnline"),
        (
            migrations.AddConstraint("row", models.CheckConstraint(condition=models.Q(size=1), name="a")),
            "AddConstraintOnline",
        ),
        (AddConstraintOnline("row", models.UniqueConstraint(fields=["name"], name="a")), "only check constraints"),
        (alter("size", models.IntegerField()), "NULL"),
        (alter("size", models.TextField(null=True)), "rewrites"),
        (alter("name", TEXT(max_length=5)), "rewrites"),
        (alter("name", TEXT(max_length=10, db_index=True)), "index"),
        (migrations.RunPython(do_nothing), "not reversible"),
        (migrations.RunSQL("SELECT 1"), "not reversible"),
        (migrations.SeparateDatabaseAndState([migrations.RunSQL("SELECT 1")]), "not reversible"),
    ],
)
def test_unsafe_operations_are_found(operation, problem):
    assert any(problem in found for found in lint_operations([operation], build_state(), "app"))


@pytest.mark.parametrize(
    "operation",
    [
        add(null=True),
        add(db_default="red"),
        alter("name", TEXT(max_length=20)),
        alter("name", models.TextField()),
        alter("name", TEXT(max_length=10, help_text="New text")),
        AddIndexOnline("row", models.Index(fields=["name"], name="a")),
        AddConstraintOnline("row", models.CheckConstraint(condition=models.Q(size=1), name="a")),
        migrations.RunPython(do_nothing, migrations.RunPython.noop),
        migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True)), ("name", TEXT(max_length=9))]),
    ],
)
def test_safe_operations_are_accepted(operation):
    assert list(lint_operations([operation], build_state(), "app")) == []


def test_a_table_that_the_migration_creates_can_get_indexes_and_fields():
    create = migrations.CreateModel("New", [("id", models.BigAutoField(primary_key=True))])
    index = migrations.AddIndex("new", models.Index(fields=["id"], name="a"))
    assert list(lint_operations([create, index], build_state(), "app")) == []


def test_a_migration_that_can_be_interrupted_can_run_again():
    migration = migrations.Migration("0002_color", "app")
    index = AddIndexOnline("row", models.Index(fields=["name"], name="a"))
    migration.operations = [add(null=True), index]
    assert list(lint_repetition(migration)) == []  # a transaction
    migration.atomic = False
    assert [problem for problem in lint_repetition(migration) if "twice" in problem and "color" in problem]
    migration.operations = [index, migrations.RunPython(do_nothing, do_nothing)]
    assert list(lint_repetition(migration)) == []
