"""The releases of F27 follow the rules of migrations, and checking one out replaces the one before."""

from __future__ import annotations

import hashlib

import pytest
from django.db.migrations.loader import MigrationLoader

from mlsite.tests.faults.releases import MIGRATIONS, MODEL, CodeFolder, Release, list_migrations
from mlsite.tests.migration_rules import lint_operations, lint_repetition

pytestmark = pytest.mark.once
BEFORE, EXPAND, CONTRACT = Release("remove", 0), Release("expand", 1), Release("contract", 1)


def test_all_migrations_follow_the_rules():
    state = MigrationLoader(None).project_state()
    operations = []
    for code in list_migrations(Release("remove", 2), "0001_initial").values():
        module: dict = {}
        exec(code, module)
        migration = module["Migration"]("", "predictions")
        assert [*lint_operations(migration.operations, state, "predictions"), *lint_repetition(migration)] == []
        for operation in migration.operations:
            operation.state_forwards("predictions", state)
            operations.append(type(operation).__name__)
    assert {"AddField", "AddIndexOnline", "AddConstraintOnline", "RemoveConstraint", "RunSQL"} <= set(operations)
    assert [name for name in state.models["predictions", "prediction"].fields if name.startswith("tag_")] == ["tag_2"]


def test_each_release_contains_the_migrations_of_those_before():
    before, expand, contract = (list(list_migrations(each, "0001_initial")) for each in (BEFORE, EXPAND, CONTRACT))
    assert before == ["9000_expand_field_0", "9001_expand_index_0"]
    assert expand == [*before, "9002_expand_field_1", "9003_expand_index_1"]
    assert contract == [*expand, "9004_contract_index_1", "9005_contract_constraint_1"]
    assert (BEFORE.columns, EXPAND.columns, CONTRACT.columns) == (["tag_0"], ["tag_0", "tag_1"], ["tag_1"])


def test_a_rollback_restores_all_files(tmp_path):
    code_folder = CodeFolder(tmp_path / "code")

    def hash_files():
        files = [*(code_folder.folder / MIGRATIONS).iterdir(), code_folder.folder / MODEL]
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    code_folder.check_out(BEFORE)
    before = hash_files()
    code_folder.check_out(CONTRACT)
    assert hash_files().keys() - before.keys() == {f"{name}.py" for name in list(list_migrations(CONTRACT, ""))[2:]}
    assert (
        '    tag_1 = models.CharField(max_length=20, null=True, default="contract 1")'
        in (tmp_path / "code" / MODEL).read_text()
    )
    code_folder.check_out(BEFORE)
    assert hash_files() == before
