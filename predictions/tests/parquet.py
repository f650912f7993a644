"""Export to Parquet and read the files in tests."""

import json
import re
import textwrap
from pathlib import Path

import duckdb
from django.conf import settings
from uuid_utils.compat import uuid7

from core.fields import get_first_id
from core.tests.commands import run_command
from predictions.models import Input, Prediction

ROW = {"length": 1.5, "petals": 2, "colour": "white"}
PAGE = Path(settings.BASE_DIR, "docs", "parquet.md").read_text()
# The statements of the page, without its commands and lists of files.
STATEMENTS = [
    statement
    for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", PAGE, re.MULTILINE)
    for statement in textwrap.dedent(block).split(";")
    if statement.strip().startswith(("CREATE", "WITH", "SELECT"))
]


def run_export(folder, *options):
    """Run the command. Return its output, or why it failed."""
    output, _, failure = run_command("export_parquet", folder, "--older-than", 0, *options)
    return failure or output


def query(folder, sql):
    """Return the rows of a query on the tables `predictions` and `reviews`, as docs/parquet.md defines them."""
    with duckdb.connect() as database:
        for name, statement in zip(("predictions", "reviews"), STATEMENTS, strict=False):
            if list(folder.glob(f"{name}/*/*/*.parquet")):
                database.execute(statement.replace("/data/mlsite", str(folder)))
        return database.execute(sql).fetchall()


def list_ids(folder):
    return sorted(str(row_id) for (row_id,) in query(folder, "SELECT id FROM predictions"))


def list_stored_ids():
    return sorted(str(row_id) for row_id in Prediction.objects.values_list("pk", flat=True))


def make_old(version, user, moment, **fields):
    """Store a prediction of another time."""
    row = Input.objects.create(kind="tabular", features=ROW, sha256="0" * 64, size=1, user=user, created_at=moment)
    row_id = type(row.pk)(int=get_first_id(moment).int + uuid7().int % 2**60)
    values = {"status": "succeeded", "source": "api", "output": {"value": 1.0}, "value": 1.0, "completed_at": moment}
    return Prediction.objects.create(
        id=row_id, input=row, model_version=version, user=user, created_at=moment, **{**values, **fields}
    )


def assert_manifests_are_complete(folder):
    for path in folder.rglob("_manifest.json"):
        named = {file["name"]: file["size"] for file in json.loads(path.read_text())["files"]}
        assert {found.name: found.stat().st_size for found in path.parent.glob("*.parquet")} == named
