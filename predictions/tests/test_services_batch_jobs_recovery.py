"""Batch jobs after crashes and cancellation: each item is stored once, whatever happens to the worker."""

from datetime import timedelta

import pytest
from django.utils import timezone

from predictions.batch_jobs.progress import RATE_OPTION, get_progress
from predictions.models import BatchJob, Prediction
from predictions.services import batch
from predictions.services.batch_jobs import (
    WrongJobStatus,
    cancel_batch_job,
    chunks,
    leases,
    requeue_lost_jobs,
    retry_batch_job,
    run,
    run_batch_job,
    states,
)
from predictions.tests.batch_jobs import list_items, make_job, make_rows, run_job

pytestmark = pytest.mark.django_db


def test_a_job_continues_after_a_crash(flowers, user, small_chunks, monkeypatch):
    job = make_job(user, make_rows(10))
    crash_after(2, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run_batch_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.succeeded_items) == ("running", 8)
    run_batch_job(str(job.pk))  # another worker: the lease has not ended
    assert requeue_lost_jobs() == 0
    expire_lease(job)
    assert requeue_lost_jobs() == 1
    assert list_items(run_job(job)) == [(n + 1, 2.0 + n) for n in range(10)]
    assert (job.succeeded_items, Prediction.objects.count()) == (10, 10)


def test_a_job_that_makes_progress_survives_any_number_of_crashes(flowers, user, small_chunks, monkeypatch):
    job = make_job(user, make_rows(4 * (states.MAX_ATTEMPTS + 3)))
    for _ in range(states.MAX_ATTEMPTS + 2):
        crash_after(1, monkeypatch)
        with pytest.raises(KeyboardInterrupt):
            run_batch_job(str(job.pk))
        expire_lease(job)
        requeue_lost_jobs()
    assert (run_job(job).status, job.succeeded_items) == ("succeeded", job.total_items)


def test_decimal_commas_are_remembered_after_a_crash(flowers, user, small_chunks, monkeypatch):
    rows = ["1,5;2"] * 4 + ["2.5;2"] * 2
    job = make_job(user, "length;petals\n" + "\n".join(rows))
    crash_after(1, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        run_batch_job(str(job.pk))
    expire_lease(job)
    assert [value for _, value in list_items(run_job(job))] == [3.5] * 4 + ["malformed-csv"] * 2


def crash_after(count, monkeypatch):
    """Let the worker die before it stores one chunk, after a number of others."""
    original = run._JobRun._process
    calls = []

    def process(self, chunk):
        calls.append(chunk)
        if len(calls) == count + 1:
            raise KeyboardInterrupt
        original(self, chunk)

    monkeypatch.setattr(run._JobRun, "_process", process)


def expire_lease(job):
    BatchJob.objects.filter(pk=job.pk).update(leased_until=timezone.now() - timedelta(seconds=1))


def test_a_worker_that_lost_its_lease_stores_nothing(flowers, user, small_chunks, monkeypatch):
    job = make_job(user, make_rows(10))
    original = run._JobRun._process

    def process(self, chunk):
        if chunk.items[0].number == 5:  # the worker was slow, and another one took the job
            monkeypatch.setattr(run._JobRun, "_process", original)
            expire_lease(job)
            run_job(job)
        original(self, chunk)

    monkeypatch.setattr(run._JobRun, "_process", process)
    run_batch_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.succeeded_items, Prediction.objects.count(), job.items.count()) == ("succeeded", 10, 10, 10)


def test_a_canceled_job_stores_nothing_more(flowers, user, small_chunks, monkeypatch):
    job = make_job(user, make_rows(10))
    original = run._JobRun._process

    def process(self, chunk):
        if chunk.items[0].number == 5:
            cancel_batch_job(job=job)
        original(self, chunk)

    monkeypatch.setattr(run._JobRun, "_process", process)
    run_batch_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.succeeded_items, Prediction.objects.count()) == ("canceled", 4, 4)
    assert get_progress(job).remaining == 6
    assert cancel_batch_job(job=job).status == "canceled"
    monkeypatch.setattr(run._JobRun, "_process", original)
    assert list_items(run_job(retry_batch_job(job=job))) == [(n + 1, 2.0 + n) for n in range(10)]
    with pytest.raises(WrongJobStatus):
        cancel_batch_job(job=job)


def test_long_jobs_give_other_tasks_a_turn(flowers, user, small_chunks, monkeypatch):
    monkeypatch.setattr("core.leases.SLICE_SECONDS", 0)
    job = make_job(user, make_rows(10))
    run_batch_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.succeeded_items, job.attempts) == ("queued", 4, 0)
    assert requeue_lost_jobs() == 0
    expire_lease(job)
    assert requeue_lost_jobs() == 1
    assert run_job(job).succeeded_items == 10


def test_a_slow_model_gets_small_chunks_that_end_within_the_lease(flowers, user, monkeypatch):
    job = make_job(user, make_rows(40))
    sizes = []
    original = run._JobRun._process

    def process(self, chunk):
        sizes.append(len(chunk.items))
        self.storage.last_store -= 3 * len(chunk.items)  # 3 seconds per item
        original(self, chunk)

    monkeypatch.setattr(run._JobRun, "_process", process)
    run_job(job)
    assert (sizes[0], set(sizes[1:-1]), sum(sizes)) == (4, {3}, 40)


def test_a_job_without_progress_continues_with_small_chunks(flowers, user):
    job = make_job(user, make_rows(30))
    BatchJob.objects.filter(pk=job.pk).update(options=job.options | {RATE_OPTION: 1000.0}, attempts=1)
    job = leases.claim_job(str(job.pk))
    (first, second) = map(len, read_chunks(job))
    assert (first, second) == (4, 26)


def read_chunks(job):
    """Yield the items of each chunk of a job, as if the worker stored them."""
    for chunk in chunks.iterate_chunks(job):
        job.attempts = 0
        yield chunk.items


def test_a_job_that_kills_its_workers_fails(flowers, user, monkeypatch):
    job = make_job(user, make_rows(3))
    original = run._JobRun._process
    crash_after(0, monkeypatch)
    for attempt in range(states.MAX_ATTEMPTS):
        monkeypatch.setattr(run._JobRun, "_process", original)
        crash_after(0, monkeypatch)
        with pytest.raises(KeyboardInterrupt):
            run_batch_job(str(job.pk))
        expire_lease(job)
        assert requeue_lost_jobs() == 1, attempt
    run_batch_job(str(job.pk))
    job.refresh_from_db()
    assert (job.status, job.error_code) == ("failed", "worker-lost")


@pytest.mark.django_db(transaction=True)  # foreign keys are checked at COMMIT
def test_a_job_continues_if_its_user_is_deleted(flowers, django_user_model, monkeypatch):
    job = make_job(django_user_model.objects.create(username="leaver"), make_rows(3))

    def delete_user_first(**arguments):
        django_user_model.objects.filter(username="leaver").delete()
        return batch.predict_batch(**arguments)

    monkeypatch.setattr(run, "predict_batch", delete_user_first)
    assert (run_job(job).status, job.succeeded_items, job.user) == ("succeeded", 3, None)
    assert set(Prediction.objects.values_list("user", flat=True)) == {None}
