"""Background work while workers, brokers, and web servers are killed. FAULT_ROUNDS is the number of times each is killed."""

import os
import random
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from core.tests.requirements import require
from mlsite.tests import postgres
from mlsite.tests.background_load import FAST_SETTINGS, BackgroundLoad, kill_site, prepare_site
from mlsite.tests.brokers import Broker, CeleryProcess, find_missing, run_broker
from mlsite.tests.faults.background import record_rounds
from mlsite.tests.site import Site

pytestmark = pytest.mark.services
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "2"))
MAX_REQUEST_SECONDS = 5  # on a machine that is busy with other tests


def parametrize(*combinations: str):
    """Run a test with some combinations of a broker, which may be `none`, and a database."""
    values = [pytest.param(name, marks=pytest.mark.xdist_group(name), id=name) for name in combinations]
    return pytest.mark.parametrize("installation", values, indirect=True, scope="module")


with_broker = parametrize("redis-sqlite", "rabbitmq-postgres")


class Installation:
    """A running site and, with a broker, a Celery worker and beat."""

    def __init__(self, kind: str, site: Site, broker: Broker | None) -> None:
        self.kind, self.site, self.broker = kind, site, broker
        self.worker, self.beat = CeleryProcess(site, "worker"), CeleryProcess(site, "beat")
        prepare_site(site)
        site.start()
        if broker:
            self.worker.start()
            self.beat.start()
        self.load = BackgroundLoad(site)

    def record(self, fault: str, name: str) -> AbstractContextManager[None]:
        """Write a result of `make faults` about the rounds in this context."""
        return record_rounds(self.load, fault, name, self.kind, ROUNDS)

    def stop(self) -> None:
        self.site.kill()
        self.worker.kill()
        self.beat.kill()


@pytest.fixture(scope="module")
def installation(request, tmp_path_factory) -> Iterator[Installation]:
    kind, _, database = request.param.partition("-")
    folder: Path = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        if database == "postgres":
            require("PostgreSQL", postgres.find_binaries())
            url = stack.enter_context(postgres.run_cluster(postgres.find_binaries())).url
        else:
            url = f"sqlite:///{folder}/site.sqlite3"
        if kind != "none":
            require(kind, not find_missing(kind))
        broker = stack.enter_context(run_broker(kind)) if kind != "none" else None
        site = Site(folder, url, CELERY_BROKER_URL=broker.url if broker else "", **FAST_SETTINGS)
        created = Installation(request.param, site, broker)
        stack.callback(created.stop)
        yield created


def wait_a_moment():
    time.sleep(random.uniform(0, 0.8))


@with_broker
def test_workers_process_predictions_and_jobs(installation):
    load = installation.load
    started = time.monotonic()
    load.submit(predictions=20, jobs=1)
    load.wait_until_final()
    load.check()
    assert load.accepted.slowest < MAX_REQUEST_SECONDS
    assert time.monotonic() - started < 30


@with_broker
def test_sigterm_finishes_the_current_item(installation):
    load, worker = installation.load, installation.worker
    load.submit(predictions=10, jobs=1)
    load.wait_until_started()
    started = time.monotonic()
    assert worker.stop() == 0
    assert time.monotonic() - started < 40
    worker.start()
    load.wait_until_final()
    load.check()
    assert "LeaseLost" not in worker.log.read_text()
    assert "worker lost" not in worker.log.read_text()  # nothing waited for the end of a lease


@with_broker
def test_a_killed_worker_loses_nothing(installation):
    load = installation.load
    with installation.record("F24", "Background worker killed"):
        for _ in range(ROUNDS):
            load.submit(predictions=10, jobs=1)
            load.wait_until_started()
            wait_a_moment()
            installation.worker.kill()
            installation.worker.start()
            load.wait_until_final()
        load.check()


@with_broker
@pytest.mark.faults
def test_a_killed_broker_loses_nothing_and_fails_no_request(installation):
    load, broker = installation.load, installation.broker
    with installation.record("F23", "Broker killed"):
        for _ in range(ROUNDS):
            load.submit(predictions=5, jobs=1)
            load.wait_until_started()
            wait_a_moment()
            broker.kill()
            load.submit(predictions=5, jobs=1)
            broker.start()
            load.wait_until_final()
        load.check()
    assert load.accepted.slowest < MAX_REQUEST_SECONDS
    log = installation.site.log.read_text()
    assert 1 <= log.count("the broker is unavailable") <= 2 * ROUNDS  # once per web process


@parametrize("redis-sqlite", "none-sqlite", "none-postgres")
@pytest.mark.faults
def test_a_killed_web_server_loses_nothing(installation):
    load = installation.load
    with installation.record("F2", "Server killed with background work"):
        for _ in range(ROUNDS):
            load.submit(predictions=10, jobs=1)
            load.wait_until_started()
            wait_a_moment()
            kill_site(installation.site)
            installation.site.start()
            load.wait_until_final()
        load.check()
