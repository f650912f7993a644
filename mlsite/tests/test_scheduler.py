"""The scheduler of background jobs, on its own and in the worker processes of a running site."""

import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from django.utils import timezone

from core.file_locks import try_lock
from mlsite import scheduler
from mlsite.scheduler import run_job, start_scheduler
from monitoring.checks import check_rollup_delay
from monitoring.models import RolledPeriod
from monitoring.services.rollup import roll_up_pending
from monitoring.tests.factories import assert_window, make_predictions
from monitoring.windows import HOUR

DELETE_ROLLUPS_SCRIPT = """
from django.core.management import call_command
from monitoring.models import RolledPeriod
call_command("seed_predictions", "iris", "--count", "200", "--days", "2", "--yes", verbosity=0)
print("hours:", RolledPeriod.objects.filter(hours=1).count())
RolledPeriod.objects.all().delete()
"""
COUNT_HOURS_SCRIPT = "from monitoring.models import RolledPeriod; print(RolledPeriod.objects.filter(hours=1).count())"
RECORD_JOB, FAILING_JOB = f"{__name__}.record_run", f"{__name__}.fail"
runs = threading.Semaphore(0)


def record_run():
    runs.release()


def fail():
    runs.release()
    raise ValueError("a job that fails")


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    while runs.acquire(blocking=False):
        pass


@pytest.fixture
def start(settings):
    """Return a function that starts a scheduler with some jobs; it is stopped after the test."""
    schedulers = []

    def call(**jobs):
        settings.SCHEDULED_JOBS = jobs
        schedulers.append(start_scheduler())

    yield call
    for started in schedulers:
        started.shutdown()


def test_a_job_runs_at_once_and_again_after_its_interval(start):
    start(**{RECORD_JOB: 1})
    assert runs.acquire(timeout=5)
    assert runs.acquire(timeout=5)


def test_a_failing_job_is_logged_and_runs_again(start, caplog):
    start(**{FAILING_JOB: 1})
    assert runs.acquire(timeout=5)
    assert runs.acquire(timeout=5)
    assert "a job that fails" in caplog.text


def test_jobs_do_not_wait_for_a_clock_that_is_set_back(start, monkeypatch):
    monkeypatch.setattr(scheduler, "CLOCK_CHECK_SECONDS", 0.05)
    start(**{RECORD_JOB: 3600})
    assert runs.acquire(timeout=5)
    assert not runs.acquire(timeout=0.2)
    read_clock = time.time
    monkeypatch.setattr(time, "time", lambda: read_clock() - 3600)
    assert runs.acquire(timeout=5)
    assert not runs.acquire(timeout=0.2)


def test_a_job_runs_in_one_process_at_a_time():
    with try_lock(RECORD_JOB) as is_locked:
        assert is_locked
        assert not run_job(RECORD_JOB)
        assert not runs.acquire(blocking=False)
    assert run_job(RECORD_JOB)
    assert runs.acquire(blocking=False)


def test_a_killed_process_releases_its_lock(settings):
    code = f"""
import time
from django.conf import settings
settings.configure(VAR_DIR={str(settings.VAR_DIR)!r})
from core.file_locks import try_lock
with try_lock({RECORD_JOB!r}) as is_locked:
    print(is_locked, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True) as holder:
        try:
            assert holder.stdout.readline() == "True\n"
            assert not run_job(RECORD_JOB)
        finally:
            holder.kill()
    assert run_job(RECORD_JOB)
    assert runs.acquire(blocking=False)


def test_every_configured_job_exists_and_is_scheduled(settings, start):
    from django.utils.module_loading import import_string

    assert "monitoring.services.rollup.roll_up_pending" in settings.SCHEDULED_JOBS
    assert all(callable(import_string(path)) for path in settings.SCHEDULED_JOBS)


@pytest.mark.django_db
def test_the_rollup_job_counts_every_completed_hour(shades, user):
    now = timezone.now()
    make_predictions(shades, [user], [now - number * HOUR - timedelta(minutes=20) for number in range(1, 60)])
    roll_up_pending()
    assert RolledPeriod.objects.filter(hours=1).count() >= 59
    assert_window("24h", now)
    periods = RolledPeriod.objects.count()
    roll_up_pending()
    assert RolledPeriod.objects.count() == periods


@pytest.mark.parametrize(("seconds", "warnings"), [(900, []), (901, ["monitoring.W002"])])
def test_a_timeout_longer_than_the_rollup_delay_is_reported(settings, seconds, warnings):
    settings.PREDICT_TIMEOUT = seconds
    assert [warning.id for warning in check_rollup_delay()] == warnings


@pytest.mark.slow
@pytest.mark.site
@pytest.mark.xdist_group("faults")
def test_workers_of_a_running_site_roll_up_hours_without_any_request(make_site):
    site = make_site()
    expected = int(site.run_script(DELETE_ROLLUPS_SCRIPT).rpartition("hours:")[2])
    assert expected > 40
    assert site.run_script(COUNT_HOURS_SCRIPT) == "0"
    site.start(wait=False)
    deadline = time.monotonic() + 60
    while int(site.run_script(COUNT_HOURS_SCRIPT)) < expected and time.monotonic() < deadline:
        time.sleep(0.2)
    assert int(site.run_script(COUNT_HOURS_SCRIPT)) >= expected
    assert '"message": "request"' not in site.log.read_text()
    assert site.stop() == 0
