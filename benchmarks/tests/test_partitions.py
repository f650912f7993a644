"""The comparison of partitions has the right months, partitions that behave like the tables, and a complete report."""

import subprocess
import sys
from datetime import UTC, datetime

import pytest
from django.db import connection

from benchmarks.partition_data import PARTITIONED_TABLES, get_partition_name, list_months, partition_tables
from benchmarks.partition_report import Comparison, build_report
from benchmarks.payloads import ROOT
from core.fields import get_id_time
from mlsite.tests import postgres
from predictions.models import Prediction
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction

ROWS = 4000


@pytest.mark.once
def test_the_last_of_twelve_months_is_the_current_one():
    months = list_months(datetime(2026, 1, 31, 23, tzinfo=UTC))
    assert (months[0], months[11]) == (datetime(2025, 2, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC))
    assert months[12:] == [datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)]


@pytest.mark.once
def test_the_report_divides_the_medians():
    comparison = Comparison(postgresql="15", sizes={"Before": [(2 * 10**9, 10**9), (3 * 10**9, 10**9)]}, month_rows=7)
    for database, times in (("whole", (1, 2, 9)), ("partitioned", (3, 4, 5))):
        comparison.wal_bytes[database] = 3000
        for time in times:
            comparison.add("Insert", database, (time, 10 * time))
    report = build_report(comparison, rows=ROWS)
    assert "| Insert | 2.00 | 4.00 | 2.00 | 20.00 | 40.00 | 2.00 |" in report
    assert "| Before inserts and removal: rows, GB | 2.00 | 3.00 |" in report


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="for the run on PostgreSQL")
def test_partitions_have_the_constraints_of_the_tables(shades, user):
    def count_rules():
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FILTER (WHERE contype = 'f'), count(*) FILTER (WHERE contype = 'c') FROM pg_constraint"
                " WHERE conparentid = 0 AND %s::regclass[] && ARRAY[conrelid::regclass, confrelid::regclass]",
                [list(PARTITIONED_TABLES)],
            )
            constraints = cursor.fetchone()
            cursor.execute(
                "SELECT (SELECT count(*) FROM pg_indexes WHERE tablename = ANY(%s)), count(*) FROM pg_trigger"
                " WHERE NOT tgisinternal AND tgrelid = ANY(%s::regclass[])",
                [list(PARTITIONED_TABLES)] * 2,
            )
            return constraints + cursor.fetchone()

    rules = count_rules()
    partition_tables(list_months(datetime.now(UTC)))
    assert count_rules() == rules
    prediction = make_prediction(user)
    review_prediction(prediction=prediction, reviewer=user, verdict="correct")
    with connection.cursor() as cursor:
        partition = get_partition_name(Prediction._meta.db_table, get_id_time(prediction.pk))
        cursor.execute(f"SELECT id FROM {partition}")
        assert cursor.fetchall() == [(prediction.pk,)]


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.skipif(postgres.find_binaries() is None, reason="needs PostgreSQL")
def test_a_small_comparison(tmp_path):
    command = [sys.executable, "-m", "benchmarks.partitions", "--rows", str(ROWS), "--rounds", "1"]
    subprocess.run([*command, "--output", tmp_path / "report.md"], cwd=ROOT, check=True, capture_output=True)
    lines = (tmp_path / "report.md").read_text().splitlines()
    rows = [line.split(" | ") for line in lines if line.count(" | ") == 6]
    assert {"| Insert, one prediction", "| Count of a month", "| Oldest month at once"} <= {cells[0] for cells in rows}
    removed = next(line for line in lines if line.startswith("The oldest month"))
    assert ROWS / 15 < int(removed.split()[4]) < ROWS / 9
