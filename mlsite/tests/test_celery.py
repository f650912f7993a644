"""The Celery app, without a broker: its configuration, its commands, and a broker that does not respond."""

import os
import socket
import subprocess
import sys

import pytest

from mlsite.tests.site import ROOT

pytestmark = pytest.mark.once


@pytest.fixture
def run(tmp_path):
    """Return a function that runs Python with a broker URL and returns the finished process."""

    def call(*arguments, broker="redis://127.0.0.1:1/0"):
        environment = {"ENV_FILE": "", "SECRET_KEY": "x", "VAR_DIR": str(tmp_path), "PATH": os.environ["PATH"]}
        environment |= {"CELERY_BROKER_URL": broker, "DJANGO_SETTINGS_MODULE": "mlsite.settings"}
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)

    return call


def test_the_worker_knows_all_tasks_and_imports_no_heavy_library(run):
    code = """
import sys
from mlsite.celery import app
app.loader.import_default_modules()
print(sorted(name for name in app.tasks if not name.startswith("celery.")))
print([name for name in ("tensorflow", "keras", "onnxruntime", "sklearn") if name in sys.modules])
"""
    process = run("-c", code)
    tasks, heavy = process.stdout.splitlines()
    names = [
        *("accounts.run_erasure", "accounts.send_password_reset", "evaluation.run_replay", "events.delete_deliveries"),
        "mlsite.run_job",
        *("predictions.run_batch_job", "predictions.run_prediction"),
    ]
    assert tasks == str(names)
    assert heavy == "[]"


def test_beat_and_the_scheduler_use_the_same_jobs(run, settings):
    code = """
from mlsite.celery import app, run_scheduled_job
for name, entry in app.conf.beat_schedule.items(): print(name, entry["schedule"], entry["options"]["expires"])
print(sorted(app.amqp.queues.consume_from))
print([app.amqp.router.route({}, name)["queue"].routing_key for name in ("mlsite.run_job", "predictions.run_prediction")])
try: run_scheduled_job("os.abort")
except ValueError as error: print(error)
"""
    *lines, queues, routes, error = run("-c", code).stdout.splitlines()
    assert lines == [f"{path} {seconds} {max(seconds, 60)}" for path, seconds in settings.SCHEDULED_JOBS.items()]
    assert queues == "['mlsite', 'mlsite-jobs']"
    assert routes == "['mlsite-jobs', 'mlsite']"
    assert error == "Expected the path of a scheduled job. Received: 'os.abort'"  # whoever can send messages names the job


def test_beat_runs_all_jobs_when_the_clock_is_set_back(run, settings):
    code = """
import time
from mlsite.celery import PromptScheduler, app
sent = []
class Beat(PromptScheduler):
    producer = None  # which would wait for the broker
    def apply_entry(self, entry, producer=None): sent.append(entry.name)
beat, read_clock = Beat(app=app), time.time
def tick_until_nothing_is_due():
    while beat.tick() == 0: pass
    print(len(sent), len(set(sent)))
tick_until_nothing_is_due()
tick_until_nothing_is_due()
time.time = lambda: read_clock() - 3600
tick_until_nothing_is_due()
"""
    count = len(settings.SCHEDULED_JOBS)
    assert run("-c", code).stdout.splitlines() == [f"{count} {count}", f"{count} {count}", f"{2 * count} {count}"]


def test_beat_logs_once_that_the_broker_is_unavailable(run):
    code = """
import logging
from mlsite.celery import PromptScheduler, app, broker
logging.basicConfig(level="INFO")
entry = PromptScheduler.Entry(name="job", task="mlsite.run_job", args=["job"], schedule=60, app=app)
class Beat(PromptScheduler):
    producer = None
    def apply_async(self, *args, **kwargs):
        if broker_is_down: return super().apply_async(*args, **kwargs)
beat = Beat(app=app, lazy=True)
for broker_is_down in (True, True, False, False): beat.apply_entry(entry)
"""
    process = run("-c", code)
    assert process.returncode == 0, process.stderr
    assert process.stderr.count("the broker is unavailable") == 1, process.stderr
    assert process.stderr.count("Couldn't apply scheduled task job") == 1
    assert process.stderr.count("the broker is available again") == 1
    assert "Traceback" not in process.stderr


def test_a_pool_of_processes_is_refused(run):
    process = run("-m", "celery", "-A", "mlsite", "worker", "--pool", "processes")
    assert process.returncode != 0
    assert "This pool cannot run models. Use --pool threads (the default) or --pool solo." in process.stderr


def test_the_beat_of_a_killed_worker_ends(run):
    code = """
import os, signal, time
import mlsite.celery
from celery import signals
worker = os.getpid()
if os.fork() == 0:
    signals.beat_embedded_init.send(sender=None)
    os.kill(worker, signal.SIGKILL)
    time.sleep(10)
    print("beat still runs", flush=True)
else:
    time.sleep(10)
"""
    process = run("-c", code)
    assert (process.returncode, process.stdout) == (-9, "")


def test_without_a_broker_the_error_names_the_setting(run):
    process = run("-m", "celery", "-A", "mlsite", "worker", broker="")
    assert process.returncode != 0
    assert "Set CELERY_BROKER_URL" in process.stderr + process.stdout


def test_without_a_broker_celery_is_not_imported(run):
    code = """
import sys, django
django.setup()
import mlsite.urls, mlsite.scheduler, mlsite.wsgi
from core.tasks import get_executor
get_executor()
print("celery" in sys.modules, "kombu" in sys.modules)
"""
    assert run("-c", code, broker="").stdout.split() == ["False", "False"]


SEND_SCRIPT = """
import time
from core.tasks import get_executor
started = time.monotonic()
for number in range(100): get_executor().submit("predictions.run_prediction", str(number))
print(time.monotonic() - started)
get_executor().wait_until_idle(30)
print(time.monotonic() - started)
"""


@pytest.mark.services
@pytest.mark.parametrize("scheme", ["redis", "amqp"])
@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_a_broker_that_does_not_respond_blocks_nothing_and_is_logged_once(run, scheme, kind):
    """A closed port refuses connections. A silent one accepts them and never responds."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if kind == "silent":
            listener.listen(100)
        process = run("-c", SEND_SCRIPT, broker=f"{scheme}://127.0.0.1:{listener.getsockname()[1]}//")
    submitted, finished = map(float, process.stdout.split())
    assert submitted < 3
    assert finished < 25
    assert process.stderr.count("the broker is unavailable") == 1, process.stderr
    assert "Traceback" not in process.stderr
