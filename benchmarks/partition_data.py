"""Build the databases of `benchmarks.partitions`: inputs and predictions in tables as migrated, and partitioned by month.

PostgreSQL creates all rows, without Python. Both databases get the same rows:

- 70% are of a model with ten classes and twelve features, 30% of a model with three classes and four features;
- the rows are distributed evenly over 200 users and over the months;
- 1% of the predictions have a review, and 2% have a client reference.

The inputs have no images, because their files are removed one by one in both cases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from django.db import connection, transaction

from accounts.models import User
from benchmarks.growth_data import drop_indexes
from core.fields import get_first_id
from monitoring.models import RolledPeriod
from monitoring.windows import HOUR
from predictions.models import Input, Prediction, Review, SummaryProgress
from predictions.usage import PREDICTIONS
from registry.models import ModelVersion, RegisteredModel

MONTHS = 12
USERS = 200
POOL_ROWS = 1000  # different features and outputs of each model
MODELS = {"digits": (10, 12), "iris": (3, 4)}  # number of classes and of features
DIGITS_TENTHS = 7
PARTITIONED_TABLES = tuple(model._meta.db_table for model in (Input, Prediction))
TABLES = (*PARTITIONED_TABLES, Review._meta.db_table)

# A UUIDv7 of a time in milliseconds, see RFC 9562, section 5.7. The random bits are those of a text.
FUNCTIONS = """
CREATE FUNCTION pg_temp.build_id(ms bigint, digest text) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(digest, 1, 3) || '8' || substr(digest, 4, 15))::uuid
$$
"""
POOL = """
CREATE TEMPORARY TABLE pool AS
SELECT model, number, version_id, features,
       jsonb_build_object('label', label, 'scores', scores) AS output, label, confidence, confidence - second AS margin
FROM (
    SELECT model.name AS model, number, model.id AS version_id,
           (SELECT jsonb_object_agg('feature_' || f, round((random() * 10 + number %% 7)::numeric, 2))
            FROM generate_series(1, model.features) f) AS features,
           drawn.*
    FROM unnest(%(names)s, %(versions)s::uuid[], %(classes)s, %(features)s) AS model(name, id, classes, features)
    CROSS JOIN generate_series(0, %(pool)s - 1) number
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(c::text, score) AS scores, max(score) AS confidence,
               (array_agg(score ORDER BY score DESC))[2] AS second,
               (array_agg(c::text ORDER BY score DESC))[1] AS label
        FROM (SELECT c, random() * exp(-((c + number) %% model.classes)) / 1.6 AS score
              FROM generate_series(0, model.classes - 1) c) scores
    ) drawn
) rows
"""
ROWS = """
SELECT g AS n, %(start)s + (%(span)s * g / (%(count)s + 1))::bigint AS ms, md5(g::text) AS digest,
       (%(users)s::uuid[])[1 + g %% %(user_count)s] AS user_id, g / 10 %% %(pool)s AS number,
       CASE WHEN g %% 10 < %(digits_tenths)s THEN 'digits' ELSE 'iris' END AS model
FROM generate_series(1::bigint, %(count)s) g
"""
INPUTS = f"""
INSERT INTO predictions_input (id, user_id, kind, image, features, sha256, content_type, size, original_name, created_at)
SELECT pg_temp.build_id(ms, digest), user_id, 'tabular', '', features, digest || md5(digest), 'application/json', 180, '',
       to_timestamp(ms / 1000.0)
FROM ({ROWS}) rows JOIN pool USING (model, number)
"""
OUTPUTS = f"""
INSERT INTO predictions_prediction (id, input_id, model_version_id, user_id, status, source, output, label, confidence,
    margin, warnings, error_code, error_message, queue_ms, preprocess_ms, inference_ms, client_reference, created_at,
    started_at, completed_at)
SELECT pg_temp.build_id(ms, md5(digest)), pg_temp.build_id(ms, digest), version_id, user_id, 'succeeded', 'api', output,
       label, confidence, margin, '[]', '', '', 0.4, 0.3, 3.1, CASE WHEN n %% 50 = 0 THEN 'order-' || n ELSE '' END,
       to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0), to_timestamp(ms / 1000.0) + interval '4 ms'
FROM ({ROWS}) rows JOIN pool USING (model, number)
"""
REVIEWS = f"""
INSERT INTO predictions_review (id, prediction_id, reviewer_id, verdict, true_label, comment, picked_by, is_blind,
    created_at)
SELECT pg_temp.build_id(ms + 60000, md5('review' || digest)), pg_temp.build_id(ms, md5(digest)), user_id, 'correct', label,
       '', 'random', false, to_timestamp(ms / 1000.0) + interval '1 minute'
FROM ({ROWS}) rows JOIN pool USING (model, number) WHERE n %% 100 = 0
"""


def list_months(now: datetime) -> list[datetime]:
    """Return the starts of twelve months, of which the last one is the current month, and of the two months after them."""
    first = now.year * 12 + now.month - MONTHS
    return [datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC) for number in range(first, first + MONTHS + 2)]


def create_base(months: Sequence[datetime]) -> None:
    """Create users and models in the migrated database, and mark all hours and days as counted."""
    User.objects.bulk_create(User(username=f"user-{number}", password="!") for number in range(USERS))
    for name, (classes, features) in MODELS.items():
        model = RegisteredModel.objects.create(name=name, title=name, task=RegisteredModel.Task.TABULAR_CLASSIFICATION)
        signature = {
            "input": {"kind": "tabular", "features": [{"name": f"feature_{each + 1}"} for each in range(features)]},
            "output": {"kind": "classes"},
        }
        ModelVersion.objects.create(
            model=model, number=1, runtime="dummy", artifact=name, sha256="0" * 64, size=1, signature=signature,
            labels=[str(number) for number in range(classes)],
        )  # fmt: skip
    hours = int((months[-1] - months[0]) / HOUR)
    RolledPeriod.objects.bulk_create(RolledPeriod(start=months[0] + number * HOUR, hours=1) for number in range(hours))
    SummaryProgress.objects.create(name=PREDICTIONS, until=months[-1])


def partition_tables(months: Sequence[datetime]) -> None:
    """Replace the empty tables of inputs and predictions by partitioned ones, with the same columns and constraints."""
    with transaction.atomic(), connection.cursor() as cursor:
        for table in PARTITIONED_TABLES:
            statements = _read_constraints(cursor, table)
            cursor.execute(f"ALTER TABLE {table} RENAME TO migrated")
            cursor.execute(f"CREATE TABLE {table} (LIKE migrated INCLUDING ALL) PARTITION BY RANGE (id)")
            cursor.execute("DROP TABLE migrated CASCADE")
            for start, end in pairwise(months):
                cursor.execute(
                    f"CREATE TABLE {get_partition_name(table, start)} PARTITION OF {table} FOR VALUES FROM (%s) TO (%s)",
                    [get_first_id(start), get_first_id(end)],
                )
            for statement in statements:
                cursor.execute(statement)


def get_partition_name(table: str, month: datetime) -> str:
    return f"{table}_{month:%Y_%m}"


def _read_constraints(cursor: Any, table: str) -> list[str]:
    """Return the statements that create the foreign keys of a table, those to it, and its triggers."""
    cursor.execute(
        "SELECT format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))"
        " FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 AND %s::regclass IN (conrelid, confrelid) UNION ALL"
        " SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal",
        [table, table],
    )
    return [statement for (statement,) in cursor.fetchall()]


def fill_tables(*, count: int, start: datetime, end: datetime, report: Callable[[str], None] = lambda text: None) -> None:
    """Create the rows, then the indexes. Superusers of PostgreSQL only.

    Args:
        count: number of predictions between the two times, each with an input.
    """
    versions = {version.model.name: version.pk for version in ModelVersion.objects.select_related("model")}
    start_ms, end_ms = (int(each.timestamp() * 1000) for each in (start, end))
    parameters: dict[str, Any] = {"count": count, "start": start_ms, "span": end_ms - start_ms, "pool": POOL_ROWS}
    parameters |= {"users": list(User.objects.values_list("pk", flat=True)), "user_count": USERS}
    parameters |= {"names": list(MODELS), "versions": [versions[name] for name in MODELS], "digits_tenths": DIGITS_TENTHS}
    parameters |= {"classes": [classes for classes, _ in MODELS.values()], "features": [each for _, each in MODELS.values()]}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # skip the checks of foreign keys: the rows are consistent
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("SELECT setseed(0.5)")
        for statement in (FUNCTIONS, POOL, "ANALYZE pool"):
            cursor.execute(statement, parameters)
        with transaction.atomic():  # with wal_level=minimal, rows of a table that was emptied here are not logged
            definitions = drop_indexes(cursor, TABLES)
            cursor.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
            for name, statement in (("inputs", INPUTS), ("predictions", OUTPUTS), ("reviews", REVIEWS)):
                cursor.execute(statement, parameters)
                report(f"{cursor.rowcount:,} {name}")
            for definition in definitions:
                cursor.execute(definition.replace(" ON ONLY ", " ON "))  # for all partitions
        report(f"{len(definitions)} indexes")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("DROP TABLE pool")
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")
        report("vacuum")
