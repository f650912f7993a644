"""The index that serves each query of background work, which runs every few seconds, and of each request with a key."""

from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from uuid_utils.compat import uuid7

from accounts.services.idempotency import claim_key, delete_expired_keys
from accounts.services.submissions import find_submission_key
from predictions.models import BatchJob
from predictions.services.background import expire_queued, requeue_lost
from predictions.services.batch_jobs import delete_old_drafts, requeue_lost_jobs
from predictions.services.batch_jobs.states import list_failed_items
from predictions.services.references import find_by_reference
from predictions.services.sweep import sweep_media

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL chooses by the number of rows"),
]


def list_failures():
    return list(list_failed_items(BatchJob(id=uuid7())).filter(number__gte=3).order_by("number")[:5])


def sweep_job_files(settings):
    path = Path(settings.MEDIA_ROOT) / "batch-jobs" / str(uuid7()) / "x"
    path.parent.mkdir(parents=True)
    path.touch()
    return sweep_media(older_than=-9, dry_run=True)


def test_each_query_has_an_index(user, settings):
    user_key = {"user": user, "key": "a", "fingerprint": ""}
    assert list_plans(expire_queued) == ["queued_expires_at"]
    assert list_plans(requeue_lost) == ["queued_leased_until", "queued_enqueue_at", "queued_enqueue_at"]
    assert list_plans(requeue_lost_jobs) == ["batchjob_open", "batchjob_open+batchjobimage_unique_number"]
    assert list_plans(delete_old_drafts) == ["batchjob_open+batchjobimage_unique_number"]
    assert list_plans(delete_expired_keys) == ["idempotencykey_created_at"]
    assert list_plans(lambda: claim_key(**user_key))[:1] == ["idempotencykey_unique_key"]
    assert list_plans(lambda: find_submission_key(user=user, keys=["a"], content=1)) == ["idempotencykey_unique_key"]
    assert list_plans(lambda: find_by_reference(user=user, client_reference="a")) == ["rare_client_reference"]
    assert list_plans(list_failures) == ["batchjobitem_unique_number"]
    assert list_plans(lambda: sweep_job_files(settings)) == ["", "batchjobimage_unique_number"]


def list_plans(function):
    """Return the indexes that each SELECT of a function uses, without those of primary keys. None may scan a table."""
    with CaptureQueriesContext(connection) as captured:
        function()
    return [read_plan(query["sql"]) for query in captured if query["sql"].startswith("SELECT")]


def read_plan(statement):
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}")
        steps = [row[-1] for row in cursor.fetchall()]
    assert not any(step.startswith("SCAN") for step in steps), (statement, steps)
    names = [step.partition(" INDEX ")[2].partition(" ")[0] for step in steps]
    return "+".join(dict.fromkeys(name for name in names if name and "autoindex" not in name))
