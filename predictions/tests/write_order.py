"""Record the steps of a request that stores predictions in this process, and check their order. Works without strace."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
from django.db.backends.base.base import BaseDatabaseWrapper

from predictions.services import inserts

FILE, RENAME, FOLDER, INSERT, COMMIT = "fsync file", "rename", "fsync folder", "insert", "commit"
ORDER = (FILE, RENAME, FOLDER, INSERT, COMMIT)


def find_order_breaches(steps: list[str]) -> list[str]:
    """Return what is wrong with the order of the steps until the response; empty if nothing is.

    Each file is synced before it is renamed. The folder is synced after the last rename, the rows are inserted after that,
    and a transaction is committed at the end. There can be other transactions before.
    """
    missing = [f"{step} is missing" for step in ORDER if step not in steps]
    if missing:
        return missing
    renames = [index for index, step in enumerate(steps) if step == RENAME]
    found = ["rename before fsync file" for count, at in enumerate(renames, 1) if steps[:at].count(FILE) < count]
    last = {step: max(index for index, other in enumerate(steps) if other == step) for step in ORDER}
    found += [f"{after} before {before}" for before, after in pairwise(ORDER[1:]) if last[after] < last[before]]
    if steps.index(INSERT) < last[FOLDER]:
        found.append("insert before fsync folder")
    return found


@contextmanager
def record_steps(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield a list of the steps so far."""
    steps: list[str] = []
    fsync, rename, commit = os.fsync, os.rename, BaseDatabaseWrapper._commit

    def record_fsync(descriptor):
        fsync(descriptor)
        steps.append(FOLDER if os.path.isdir(f"/proc/self/fd/{descriptor}") else FILE)

    def record_rename(old, new):
        rename(old, new)
        steps.append(RENAME)

    def record_commit(database):
        commit(database)
        steps.append(COMMIT)

    def record_insert(insert):
        def wrapper(database, *arguments, **options):
            steps.append(INSERT)
            insert(database, *arguments, **options)
            if not database.in_atomic_block:  # a single statement is a transaction
                steps.append(COMMIT)

        return wrapper

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", record_fsync)
        patch.setattr(os, "rename", record_rename)
        patch.setattr(BaseDatabaseWrapper, "_commit", record_commit)
        for name in ("_execute_inserts", "copy_rows"):
            patch.setattr(inserts, name, record_insert(getattr(inserts, name)))
        yield steps
