"""Multiply a few generated predictions to a million with SQL, which takes one to two minutes.

The distribution is uneven on purpose, because even data hides slow plans:

- `heavy` has 40% of the predictions, `light` has 40 in all, a thousand other users share the rest;
- predictions of iris end after the first half of the time, and version 2 of each model starts with the last third;
- a tenth of the inputs of the last third repeat older inputs, so two versions have predictions of the same inputs;
- about 2% failed, a handful are queued or canceled, 4% of the succeeded ones have reviews, 10% have a client reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

LIGHT_PREDICTIONS = 40
CROWD_USERS = 1000
DAYS = 90
TABLES = ("predictions_input", "predictions_prediction", "predictions_review")
DERIVED_TABLES = (
    "predictions_reviewclaim", "predictions_shownprediction", "predictions_reviewsummary", "predictions_predictioncount",
    "predictions_summaryprogress", "monitoring_rolledperiod", "monitoring_rollup",
)  # fmt: skip

# A UUIDv7 of a time in milliseconds, see RFC 9562, section 5.7.
FUNCTIONS = """
CREATE FUNCTION pg_temp.build_id(ms bigint) RETURNS uuid LANGUAGE sql VOLATILE AS $$
    SELECT (lpad(to_hex(ms), 12, '0') || '7' || substr(md5(random()::text), 1, 3) || '8'
            || substr(md5(random()::text), 1, 15))::uuid
$$
"""
BASE = """
CREATE TEMPORARY TABLE base AS
SELECT row_number() OVER (PARTITION BY m.name ORDER BY p.id) - 1 AS number, m.name AS model, i.kind, i.image, i.features,
       i.content_type, i.width, i.height, i.size, p.output, p.label, p.confidence, p.margin, p.value
FROM predictions_prediction p JOIN predictions_input i ON i.id = p.input_id
JOIN registry_modelversion v ON v.id = p.model_version_id JOIN registry_registeredmodel m ON m.id = v.model_id
WHERE p.status = 'succeeded'
"""
CROWD = """
INSERT INTO accounts_user (id, username, password, first_name, last_name, email, is_staff, is_active, is_superuser,
                           date_joined, language, time_zone, theme)
SELECT pg_temp.build_id(1000 * g), 'crowd-' || g, '!', '', '', '', false, true, false, now(), '', '', ''
FROM generate_series(1, %(crowd)s) g
"""
# `age` is 0 at the start of the period and 1 at its end. `model` depends on the age.
SLOTS = """
CREATE TEMPORARY TABLE slot AS
SELECT n, age, ms, pg_temp.build_id(ms - 1) AS input_id, pg_temp.build_id(ms) AS id,
       CASE WHEN age < 0.5 AND draw < 0.3 THEN 'iris' WHEN draw < 0.6 THEN 'diabetes' ELSE 'digits' END AS model,
       CASE WHEN age < 0.66 THEN 1 ELSE 2 END AS version,
       CASE WHEN light THEN %(light_id)s::uuid WHEN user_draw < 0.4 THEN %(heavy_id)s::uuid
            WHEN user_draw < 0.41 THEN NULL
            ELSE crowd.ids[1 + trunc(pick * %(crowd)s)::int] END AS user_id,
       CASE WHEN n IN (%(count)s - 7, %(count)s - 3) THEN 'queued' WHEN n = 11 THEN 'canceled'
            WHEN status_draw < 0.02 THEN 'failed' ELSE 'succeeded' END AS status,
       CASE WHEN source_draw < 0.5 THEN 'web' WHEN source_draw < 0.9 THEN 'api' WHEN n %% 500 = 3 THEN 'cli'
            ELSE 'batch' END AS source,
       reference_draw, pick
FROM (
    SELECT g AS n, g::float / %(count)s AS age, random() AS draw, random() AS user_draw, random() AS pick,
           random() AS status_draw, random() AS source_draw, random() AS reference_draw,
           g %% (%(count)s / %(light)s) = 5 AS light,
           (extract(epoch FROM now()) * 1000)::bigint - 60000
           - ((1 - g::float / %(count)s) * %(days)s * 86400000)::bigint AS ms
    FROM generate_series(1, %(count)s) g
) drawn CROSS JOIN (SELECT array_agg(id) AS ids FROM accounts_user WHERE username LIKE 'crowd-%%') crowd
"""
MAKE_ROWS = """
CREATE TEMPORARY TABLE row AS
SELECT s.*, b.kind, b.image, b.features, b.content_type, b.width, b.height, b.size, b.output, b.label, b.confidence,
       b.margin, b.value, v.id AS version_id, to_timestamp(s.ms / 1000.0) AS created_at
FROM slot s
JOIN registry_registeredmodel m ON m.name = s.model
JOIN registry_modelversion v ON v.model_id = m.id AND v.number = s.version
JOIN (SELECT model, count(*) AS size FROM base GROUP BY model) sizes ON sizes.model = s.model
JOIN base b ON b.model = s.model AND b.number = s.n %% sizes.size
ORDER BY s.n
"""
INPUTS = """
INSERT INTO predictions_input (id, user_id, kind, image, features, sha256, content_type, width, height, size, original_name,
                               created_at)
SELECT input_id, user_id, kind, image, features, md5(repeated::text) || md5((repeated + 1)::text), content_type, width,
       height, size, CASE WHEN image = '' THEN '' ELSE 'scan-' || n || '.png' END, created_at - interval '1 ms'
FROM (SELECT *, CASE WHEN age >= 0.66 AND n %% 10 = 1 THEN n - %(count)s / 2 ELSE n END AS repeated FROM row) rows ORDER BY n
"""
PREDICTIONS = """
INSERT INTO predictions_prediction (id, input_id, model_version_id, user_id, status, source, output, label, confidence,
    margin, value, warnings, error_code, error_message, queue_ms, preprocess_ms, inference_ms, client_reference, created_at,
    started_at, completed_at)
SELECT id, input_id, version_id, user_id, status, source,
       CASE WHEN status = 'succeeded' THEN output END, CASE WHEN status = 'succeeded' THEN label ELSE '' END,
       CASE WHEN status = 'succeeded' THEN confidence END, CASE WHEN status = 'succeeded' THEN margin END,
       CASE WHEN status = 'succeeded' THEN value END, '[]',
       CASE WHEN status <> 'failed' THEN '' WHEN n %% 10 = 0 THEN 'inference-timeout' ELSE 'model-failed' END,
       CASE WHEN status = 'failed' THEN 'The model failed.' ELSE '' END, 0.4, 0.3, 3.1,
       CASE WHEN reference_draw < 0.1 THEN 'order-' || n WHEN n %% (%(count)s / 50) = 9 THEN 'repeated' ELSE '' END,
       created_at, created_at, CASE WHEN status <> 'queued' THEN created_at + interval '4 ms' END
FROM row ORDER BY n
"""
REVIEWS = """
INSERT INTO predictions_review (id, prediction_id, reviewer_id, verdict, true_label, true_value, true_labels, comment,
                                picked_by, created_at, withdrawn_at)
SELECT pg_temp.build_id(ms), prediction_id, CASE WHEN reviewer = 1 THEN %(reviewer_id)s::uuid ELSE %(second_id)s::uuid END,
       verdict,
       CASE WHEN verdict = 'unsure' OR label = '' THEN '' WHEN verdict = 'correct' THEN label ELSE other_label END,
       CASE WHEN verdict <> 'unsure' AND value IS NOT NULL THEN value * 1.05 END, NULL, '', picked_by,
       to_timestamp(ms / 1000.0), CASE WHEN withdrawn THEN to_timestamp(ms / 1000.0) + interval '1 minute' END
FROM (
    SELECT r.id AS prediction_id, r.label, r.value, r.ms + 3600000 * reviewer AS ms, reviewer,
           (SELECT min(label) FROM base b WHERE b.model = r.model AND b.label <> r.label) AS other_label,
           CASE WHEN random() < 0.05 THEN 'unsure' WHEN random() < 0.8 THEN 'correct' ELSE 'incorrect' END AS verdict,
           CASE WHEN random() < 0.6 THEN 'random' WHEN random() < 0.7 THEN 'uncertain' ELSE 'manual' END AS picked_by,
           random() < 0.04 AS withdrawn
    FROM row r CROSS JOIN generate_series(1, 2) reviewer
    WHERE r.status = 'succeeded' AND r.age < 0.98 AND r.pick < CASE WHEN reviewer = 1 THEN 0.04 ELSE 0.004 END
) drawn ORDER BY ms
"""


def multiply_predictions(*, count: int, user_ids: dict[str, Any], report: Callable[[str], None] = lambda text: None) -> None:
    """Replace all predictions by `count` others that are made from their columns. Superusers of PostgreSQL only.

    Args:
        user_ids: ids of the users `heavy`, `light`, `reviewer`, and `second` (another reviewer).
    """
    parameters: dict[str, Any] = {f"{name}_id": str(pk) for name, pk in user_ids.items()}
    parameters |= {"count": count, "light": LIGHT_PREDICTIONS, "crowd": CROWD_USERS, "days": DAYS}
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # check no foreign key: the rows are made to fit
        cursor.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'")
        cursor.execute("SELECT setseed(0.5)")
        for statement in (FUNCTIONS, BASE, CROWD, SLOTS, MAKE_ROWS):
            cursor.execute(statement, parameters)
            if statement == BASE:
                cursor.execute("ANALYZE base")  # otherwise PostgreSQL compares each row of `slot` with all rows of `base`
        # CASCADE: also tags, comments, and the items of batch jobs.
        cursor.execute(f"TRUNCATE {', '.join([*TABLES, *DERIVED_TABLES])} CASCADE")
        definitions = drop_indexes(cursor, TABLES)
        for name, statement in (("inputs", INPUTS), ("predictions", PREDICTIONS), ("reviews", REVIEWS)):
            cursor.execute(statement, parameters)
            report(f"{cursor.rowcount:,} {name}")
        for definition in definitions:
            cursor.execute(definition)
        report(f"{len(definitions)} indexes")
        cursor.execute("DROP TABLE base, slot, row")
        cursor.execute("SET session_replication_role = DEFAULT")
        for table in TABLES:
            cursor.execute(f"VACUUM ANALYZE {table}")


def drop_indexes(cursor: Any, tables: Sequence[str]) -> list[str]:
    """Drop the indexes of the tables that belong to no constraint; return the statements that create them."""
    cursor.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s) AND indexname NOT IN"
        " (SELECT conname FROM pg_constraint)",
        [list(tables)],
    )
    rows = cursor.fetchall()
    for name, _ in rows:
        cursor.execute(f"DROP INDEX {name}")
    return [definition for _, definition in rows]
