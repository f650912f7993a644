"""Measure the export of predictions: rows per second of CPU time, and memory.

    PYTHONPATH=. python benchmarks/export.py
    PYTHONPATH=. python benchmarks/export.py --rows 10000 200000

For SQLite and PostgreSQL, make a temporary database with rows of features and images, a tenth of them reviewed, and read the
export of the API as a reviewer does, or run `export_parquet`. Each measurement runs in its own process. The CPU time is that
of the process without its start, and of the connection's PostgreSQL server process. The last column is the time to the first
part of the response.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlsite.tests import postgres

TEMPLATE_ROWS = 1000  # made by the ORM, and then copied by SQL
IMAGE_SIGNATURE = {
    "input": {"kind": "image", "height": 28, "width": 28, "channels": 1, "scale": "unit", "resize": "stretch"},
    "output": {"kind": "classes", "activation": "none"},
}
FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
TABLE_SIGNATURE = {
    "input": {"kind": "tabular", "features": [{"name": name, "type": "float"} for name in FEATURES]},
    "output": {"kind": "classes", "activation": "none"},
}
HEADER = ("database", "format", "rows", "rows/s of CPU", "CPU in the database", "MB", "peak memory growth", "first part")
ROW = "{:12} {:8} {:>9} {:>16} {:>21} {:>7} {:>20} {:>11}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 200_000], help="numbers of predictions")
    parser.add_argument("--step", choices=["seed", "measure"], help=argparse.SUPPRESS)
    parser.add_argument("--format", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        run_step(options.step, options.rows[0], options.format)
        return
    print(ROW.format(*HEADER), flush=True)
    for count in options.rows:
        with tempfile.TemporaryDirectory(prefix="mlsite-export-") as folder:
            measure_database("SQLite", f"sqlite:///{folder}/site.sqlite3", count, folder)
        binaries = postgres.find_binaries()
        if binaries is None:
            print("PostgreSQL is not installed.")
            continue
        with tempfile.TemporaryDirectory(prefix="mlsite-export-") as folder, postgres.run_cluster(binaries) as cluster:
            measure_database("PostgreSQL", cluster.url, count, folder)


def measure_database(name: str, url: str, count: int, folder: str) -> None:
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "VAR_DIR": folder,
        "ENV_FILE": "",
        "SECRET_KEY": "benchmark",
        "LOG_LEVEL": "WARNING",
    }
    environment["DJANGO_SETTINGS_MODULE"] = "mlsite.settings"

    Path(folder, "static").mkdir()

    def run(*arguments: str) -> str:
        command = [sys.executable, __file__, "--rows", str(count), *arguments]
        return subprocess.run(command, check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout

    run("--step", "seed")
    for format_name in ("csv", "jsonl", "xlsx", "parquet"):
        result = json.loads(run("--step", "measure", "--format", format_name).splitlines()[-1])
        print(
            ROW.format(
                name,
                format_name,
                f"{count:,}",
                f"{count / result['seconds']:,.0f}",
                f"{result['database_seconds']:.2f} s" if result["database_seconds"] else "",
                f"{result['bytes'] / 1e6:,.0f}",
                f"{result['kilobytes'] / 1024:.1f} MB",
                f"{result['first_seconds'] * 1000:.0f} ms" if result["first_seconds"] else "",
            ),
            flush=True,
        )


def run_step(step: str, count: int, format_name: str) -> None:
    import django

    django.setup()
    if step == "seed":
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        seed(count)
    else:
        print(json.dumps(measure(format_name)))


def seed(count: int) -> None:
    """Make `TEMPLATE_ROWS` predictions of two models, and copy them."""
    from django.contrib.auth import get_user_model
    from django.utils import timezone

    from predictions.models import Input, Prediction, Review

    user_model = get_user_model()
    admin = user_model.objects.create_superuser("admin", password="admin")
    users = [user_model.objects.create(username=f"user-{number}") for number in range(50)]
    versions = {"image": make_version("digits", IMAGE_SIGNATURE, 10), "tabular": make_version("iris", TABLE_SIGNATURE, 3)}
    inputs, predictions, reviews = [], [], []
    for number in range(TEMPLATE_ROWS):
        kind = "image" if number % 2 else "tabular"
        version, is_failed = versions[kind], number % 50 == 0
        user = users[number % len(users)]
        row = Input(user=user, kind=kind, sha256=f"{number:064x}", size=400)
        if kind == "image":
            row.image, row.original_name, row.content_type = f"inputs/{number}.png", f"scan-{number}.png", "image/png"
            row.width = row.height = 28
        else:
            row.features = {name: round(number / 7 + place, 2) for place, name in enumerate(FEATURES)}
        scores = {label: 1 / (2 + (number + place) ** 2 % 97) for place, label in enumerate(version.labels)}
        label = max(scores, key=lambda name: scores[name])
        succeeded = {"status": "succeeded", "output": {"scores": scores}, "label": label, "confidence": scores[label]}
        failed = {"status": "failed", "error_code": "model-failed", "error_message": "The model failed."}
        prediction = Prediction(
            input=row,
            model_version=version,
            user=user,
            source="api",
            client_reference=f"order-{number}" if number % 3 == 0 else "",
            completed_at=timezone.now(),
            **(failed if is_failed else succeeded),
        )
        inputs.append(row)
        predictions.append(prediction)
        if number % 10 == 1:
            reviews.append(
                Review(prediction=prediction, reviewer=admin, verdict="correct", true_label=label, picked_by="random")
            )
    Input.objects.bulk_create(inputs)
    Prediction.objects.bulk_create(predictions)
    Review.objects.bulk_create(reviews)
    copy_rows(count // TEMPLATE_ROWS - 1)


def make_version(name: str, signature: dict, label_count: int):
    from registry.models import ModelVersion, RegisteredModel

    model = RegisteredModel.objects.create(name=name, title=name, task="other")
    labels = [f"label {number}" for number in range(label_count)]
    fixed = {"number": 1, "runtime": "dummy", "artifact": "x/x.dummy.json", "sha256": "0" * 64, "size": 1}
    return ModelVersion.objects.create(model=model, signature=signature, labels=labels, **fixed)


def copy_rows(copies: int) -> None:
    """Copy all inputs, predictions and reviews. The first digits of their ids are the number of the copy."""
    from django.db import connection

    from predictions.models import Input, Prediction, Review

    if connection.vendor == "postgresql":
        copied_id = "(lpad(to_hex(copy.number), 8, '0') || substr({}::text, 9))::uuid"
    else:
        copied_id = "printf('%%08x', copy.number) || substr({}, 9)"
    numbers = "WITH RECURSIVE copy(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < %s)"
    with connection.cursor() as cursor:
        for model in (Input, Prediction, Review):
            columns = [field.column for field in model._meta.concrete_fields]
            values = [copied_id.format(name) if name in ("id", "input_id", "prediction_id") else name for name in columns]
            table = model._meta.db_table
            cursor.execute(
                f"{numbers} INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)} FROM {table}, copy"
                if connection.vendor == "postgresql"
                else f"INSERT INTO {table} ({', '.join(columns)}) {numbers} SELECT {', '.join(values)} FROM {table}, copy",
                [copies],
            )
            cursor.execute(f"ANALYZE {table}")


def measure(format_name: str) -> dict[str, float]:
    """Read the export twice: a small one to load all modules, and then the whole one."""
    from django.contrib.auth import get_user_model
    from django.db import connection
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    client.force_login(get_user_model().objects.get(username="admin"))
    first_seconds = 0.0

    def read(**filters: str) -> int:
        if format_name == "parquet":
            return write_parquet(model="" if not filters else "digits", since=datetime.now(UTC) if filters else None)
        nonlocal first_seconds
        started = time.monotonic()
        response = client.get("/api/v1/predictions/export/", {"format": format_name, **filters})
        parts = iter(response.streaming_content)
        first_size = len(next(parts))
        first_seconds = time.monotonic() - started
        return first_size + sum(map(len, parts))

    read(client_reference="order-3")
    process_id = None
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            process_id = cursor.fetchone()[0]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started, database_started = time.process_time(), read_cpu_seconds(process_id)
    size = read()
    return {
        "seconds": time.process_time() - started,
        "database_seconds": read_cpu_seconds(process_id) - database_started,
        "first_seconds": first_seconds,
        "bytes": size,
        "kilobytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory,
    }


def write_parquet(**options: Any) -> int:
    """Export to a new folder, and return the size of the files in bytes."""
    from predictions.services.parquet.destinations import open_destination
    from predictions.services.parquet.export import ParquetExport

    with tempfile.TemporaryDirectory(prefix="mlsite-parquet-") as folder:
        ParquetExport(open_destination(folder), older_than=0, **options).run()
        return sum(path.stat().st_size for path in Path(folder).rglob("*.parquet"))


def read_cpu_seconds(process_id: int | None) -> float:
    """Return the CPU time of another process; 0 for None."""
    if process_id is None:
        return 0
    fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
