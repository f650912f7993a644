"""Releases of the site that differ in a column of predictions, as a folder whose files are replaced in place.

The releases of one upgrade replace the column `tag_1` by `tag_2`, as docs/contribute.md describes:

- `expand 2` adds the column `tag_2`, with an index and a check constraint, and writes both columns.
- `contract 2` writes only `tag_2`. It removes the index and the constraint of `tag_1`, and the column from its models.
- `remove 2` removes the column `tag_1`, which no release uses any more. The next upgrade starts here.

Each release writes its name to its columns, which shows the release that stored a prediction.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from mlsite.tests.site import ROOT

FOLDERS_WITHOUT_CODE = ("templates", "static", "locale")
IGNORED = shutil.ignore_patterns("tests", "__pycache__", "*.pyc")
MODEL = Path("predictions", "models", "prediction.py")
MIGRATIONS = Path("predictions", "migrations")
ANCHOR = "    completed_at = models.DateTimeField(null=True, blank=True)\n"
HEAD = """
from functools import partial
from importlib import import_module

from django.db import migrations, models

from core.operations import AddConstraintOnline, AddIndexOnline, RemoveIndexOnline

guarded_statuses = import_module("predictions.migrations.0014_guarded_statuses")
erasure = import_module("predictions.migrations.0022_erasure")
create_triggers = partial(guarded_statuses.create_triggers, triggers=erasure.TRIGGERS)
RESTORE_TRIGGERS = migrations.RunPython(create_triggers, create_triggers)  # SQLite drops them when it copies the table


class Migration(migrations.Migration):
    dependencies = [("predictions", "{previous}")]
    atomic = {atomic}
    operations = [{operations}]
"""
FIELD = "models.CharField(max_length=20, null=True)"
INDEX = 'models.Index(fields=["tag_{number}"], name="prediction_tag_{number}")'
CONSTRAINT = 'models.CheckConstraint(condition=~models.Q(tag_{number}=""), name="prediction_tag_{number}_not_empty")'
ADD_FIELD = f'migrations.AddField("prediction", "tag_{{number}}", {FIELD})'
ADD_INDEX = f'AddIndexOnline("prediction", {INDEX})'
ADD_CONSTRAINT = f'AddConstraintOnline("prediction", {CONSTRAINT}), RESTORE_TRIGGERS'
REMOVE_INDEX = 'RemoveIndexOnline("prediction", "prediction_tag_{old}")'
REMOVE_CONSTRAINT = 'migrations.RemoveConstraint("prediction", "prediction_tag_{old}_not_empty"), RESTORE_TRIGGERS'
FORGET_FIELD = 'migrations.SeparateDatabaseAndState(state_operations=[migrations.RemoveField("prediction", "tag_{old}")])'
REMOVE_COLUMN = (
    'migrations.RunSQL("ALTER TABLE predictions_prediction DROP COLUMN tag_{old}", '
    '"ALTER TABLE predictions_prediction ADD COLUMN tag_{old} varchar(20) NULL")'
)
# An interrupted migration is run again, so a migration that is not atomic contains only operations that can be repeated.
EXPAND = {"field": (True, ADD_FIELD), "index": (False, f"{ADD_INDEX}, {ADD_CONSTRAINT}")}
CONTRACT = {"index": (False, REMOVE_INDEX), "constraint": (True, f"{REMOVE_CONSTRAINT}, {FORGET_FIELD}")}
REMOVE = {"column": (True, REMOVE_COLUMN)}
STEPS = {"expand": EXPAND, "contract": CONTRACT, "remove": REMOVE}


@dataclass(frozen=True, slots=True)
class Release:
    """One release of the upgrade with a number. The release `remove 0` is the one before the first upgrade."""

    step: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.step} {self.number}"

    @property
    def columns(self) -> list[str]:
        """Return the columns that the release writes."""
        both = [f"tag_{self.number - 1}", f"tag_{self.number}"]
        return both if self.step == "expand" else both[1:]

    def list_fields(self) -> str:
        """Return the lines of the model for the columns of the release."""
        return "".join(
            f'    {name} = models.CharField(max_length=20, null=True, default="{self.name}")\n' for name in self.columns
        )


def list_steps(last: Release) -> list[Release]:
    """Return the releases whose migrations a release contains, in their order. Those of `expand 0` add the first column."""
    every = [Release(step, number) for number in range(1, last.number + 1) for step in STEPS]
    return [Release("expand", 0), *(every[: every.index(last) + 1] if last.number else [])]


def list_migrations(last: Release, previous: str) -> dict[str, str]:
    """Return the names and the code of the migrations that a release contains in addition to those of the site.

    Args:
        previous: the last migration of the site.
    """
    written: dict[str, str] = {}
    for release in list_steps(last):
        for part, (atomic, operations) in STEPS[release.step].items():
            name = f"{9000 + len(written)}_{release.step}_{part}_{release.number}"
            filled = operations.format(number=release.number, old=release.number - 1)
            written[name] = HEAD.format(previous=previous, atomic=atomic, operations=filled)
            previous = name
    return written


class CodeFolder:
    """A copy of the code of the site in a folder. `check_out` replaces files in place, as git does."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        shutil.copy(ROOT / "manage.py", folder)
        for path in ROOT.iterdir():
            if (path / "__init__.py").exists() or path.name in FOLDERS_WITHOUT_CODE:
                shutil.copytree(path, folder / path.name, ignore=IGNORED)

    def check_out(self, release: Release) -> None:
        """Change the code to that of a release. Processes that run continue with the code that they have loaded."""
        own = sorted(path.stem for path in (ROOT / MIGRATIONS).glob("[0-9]*.py"))
        files = {f"{name}.py": code for name, code in list_migrations(release, own[-1]).items()}
        for path in (self.folder / MIGRATIONS).glob("9*.py"):
            if path.name not in files:
                path.unlink()
        for name, code in files.items():
            replace_file(self.folder / MIGRATIONS / name, code)
        model = (ROOT / MODEL).read_text()
        assert model.count(ANCHOR) == 1, f"{MODEL} has changed"
        replace_file(self.folder / MODEL, model.replace(ANCHOR, ANCHOR + release.list_fields()))


def replace_file(path: Path, text: str) -> None:
    """Replace a file at once, so that no process reads half of it."""
    temporary = path.with_suffix(".new")
    temporary.write_text(text)
    os.replace(temporary, path)
