"""A site under load while its workers, its master, or the version in production is replaced."""

import json
import os
import signal
import time

import pytest

from core.tests.processes import is_running
from core.tests.waiting import wait_until
from mlsite.tests.site import Site, create_database
from mlsite.tests.steady_load import send_steadily

pytestmark = [pytest.mark.site, pytest.mark.faults, pytest.mark.xdist_group("reload")]

ROUNDS = int(os.environ.get("FAULT_ROUNDS", "10"))
LOAD_SECONDS = 1.5
TIMEOUT_SECONDS = 120
CONTENT = {"features": {"x": 1.5}}
COUNT_SCRIPT = """
import json
from predictions.models import Prediction
rows = Prediction.objects.values_list("status", "error_code")
print(json.dumps([len(rows), [list(row) for row in rows if row[0] != "succeeded"]]))
"""


@pytest.fixture
def small_site(tmp_path):
    """Return a site with one model that takes `LOAD_SECONDS` to load. It is not started."""
    site = Site(tmp_path, create_database(tmp_path))
    site.manage("migrate", "-v0")
    site.run_script("from accounts.models import User; User.objects.create_user('demo')")
    register_version(site, 1, "--promote")
    yield site
    site.kill()


def register_version(site: Site, number: int, *options: str) -> None:
    """Register a regression whose value is the feature times the version number."""
    folder = site.folder / f"version-{number}"
    folder.mkdir()
    (folder / "slow.dummy.json").write_text(json.dumps({"sum": number, "load_sleep": LOAD_SECONDS}))
    (folder / "model.toml").write_text(
        'name = "slow"\nartifact = "slow.dummy.json"\n[output]\nkind = "value"\n'
        '[input]\nkind = "tabular"\n[[input.features]]\nname = "x"\n'
    )
    site.manage("register_model", str(folder), *options)


def check_rows(site: Site, report) -> None:
    """Check that no row failed, and that each request is stored once, except for those without a response."""
    stored, failed = json.loads(site.run_script(COUNT_SCRIPT).splitlines()[-1])
    print(f"{report}, {len(failed)} failed rows")
    assert (report.lost, failed) == ([], [])
    assert len(report.failures) * 1000 <= len(report.durations), report
    assert 0 <= stored - len(report.ids) <= len(report.failures)


def wait_for_new_workers(site: Site, before: set[int]) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while len(now := set(site.list_workers())) != 2 or now & before:
        assert time.monotonic() < deadline, site.log.read_text()[-3000:]
        time.sleep(0.1)


def test_reloads_fail_no_request(small_site):
    small_site.start()
    with send_steadily(small_site, small_site.create_token(), CONTENT) as report:
        for _ in range(ROUNDS):
            before = set(small_site.list_workers())
            small_site.process.send_signal(signal.SIGHUP)
            wait_for_new_workers(small_site, before)
    print(f"\n{ROUNDS} reloads: ", end="")
    check_rows(small_site, report)
    assert small_site.stop() == 0


def test_a_reload_loads_new_settings_and_refuses_invalid_ones(small_site):
    env_file = small_site.folder / "env"
    env_file.touch()
    small_site.environment["ENV_FILE"] = str(env_file)
    small_site.start()
    token, master = small_site.create_token(), small_site.process.pid

    def reload(line: str) -> set[int]:
        env_file.write_text(line)
        before = set(small_site.list_workers())
        small_site.process.send_signal(signal.SIGHUP)
        return before

    def predict_two() -> int:
        content = {"features": [CONTENT["features"]] * 2}
        return small_site.post("/api/v1/predictions/batch/", token, json=content).status_code

    assert predict_two() == 200
    wait_for_new_workers(small_site, reload("MAX_BATCH_ROWS=1"))
    assert predict_two() == 413
    before = reload("MAX_BATCH_ROWS=many")
    wait_until(lambda: "reload refused" in small_site.log.read_text(), TIMEOUT_SECONDS)
    assert (small_site.process.pid, set(small_site.list_workers()), predict_two()) == (master, before, 413)
    assert small_site.stop() == 0


def test_promotions_fail_no_request(small_site):
    """Each promotion is of a version that no worker has loaded."""
    for number in range(2, ROUNDS + 2):
        register_version(small_site, number)
    small_site.start()
    with send_steadily(small_site, small_site.create_token(), CONTENT) as report:
        for number in range(2, ROUNDS + 2):
            small_site.manage("promote_model", "slow", str(number))
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while set(report.versions[-20:]) != {number}:
                assert time.monotonic() < deadline, report
                time.sleep(0.1)
    print(f"\n{ROUNDS} promotions: ", end="")
    check_rows(small_site, report)
    assert small_site.stop() == 0


def test_a_worker_that_stops_is_replaced_while_the_others_serve(small_site):
    """SIGTERM to a worker is what the watchdog sends if a model hangs. SIGABRT is what gunicorn sends if a worker hangs."""
    small_site.start()
    with send_steadily(small_site, small_site.create_token(), CONTENT) as report:
        for _ in range(ROUNDS):
            for worker in small_site.list_workers():
                os.kill(worker, signal.SIGTERM)
                deadline = time.monotonic() + TIMEOUT_SECONDS
                while worker in (workers := small_site.list_workers()) or len(workers) != 2:
                    assert time.monotonic() < deadline, small_site.log.read_text()[-3000:]
                    time.sleep(0.1)
                small_site.wait_until_ready()
    print(f"\n{2 * ROUNDS} stopped workers: ", end="")
    check_rows(small_site, report)


def test_no_worker_outlives_a_killed_master(small_site):
    """The workers die while they load models, and at last while they serve requests. The next start binds at once."""
    kills = 2 * ROUNDS
    for kill in range(kills):
        small_site.start(wait=kill == kills - 1)
        wait_until(lambda: len(small_site.list_workers()) == 2, TIMEOUT_SECONDS)
        workers = small_site.list_workers()
        small_site.kill()
        killed_at = time.monotonic()
        while any(map(is_running, workers)):
            assert time.monotonic() - killed_at < 1
            time.sleep(0.01)
    small_site.start()
    assert small_site.stop() == 0
    log = small_site.log.read_text()
    assert log.count("Listening at") == kills + 1
    assert "in use" not in log


def test_requests_wait_until_the_models_are_loaded(small_site):
    small_site.start(wait=False)
    token, started = small_site.create_token(), time.monotonic()
    while (status := small_site.get_status("/healthz")) == 0:
        assert time.monotonic() - started < TIMEOUT_SECONDS
    assert (status, small_site.post("/api/v1/predictions/", token, json=CONTENT).status_code) == (200, 201)
    assert small_site.stop() == 0
