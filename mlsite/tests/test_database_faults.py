"""A running site whose database stalls, becomes read-only, or is locked. Each request gets its response in time."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import requests

from core.tests.waiting import wait_until
from inference.tests.factories import make_noise_image
from mlsite.tests import postgres, stalls
from mlsite.tests.site import Site

pytestmark = [pytest.mark.services, pytest.mark.xdist_group("database faults")]
MAX_SECONDS = 5.0
CLIENTS = 24


@pytest.fixture(scope="module")
def cluster():
    with postgres.run_cluster(postgres.find_binaries()) as running:
        yield running


def start_site(folder, database_url):
    """Return a running site with a dummy model, whose name is `shade`, and a token."""
    site = Site(folder, database_url)
    site.manage("migrate")
    site.manage("collectstatic", "--no-input")
    (folder / "model").mkdir()
    site.register_dummy(folder / "model", "shade")
    site.run_script("from accounts.models import User; User.objects.create_superuser('demo', 'demo@example.org', 'x')")
    token = site.create_token()
    site.start()
    return site, token


@pytest.fixture
def postgres_site(cluster, tmp_path):
    with closing(psycopg2.connect(cluster.url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {tmp_path.name.lower()}")
    site, token = start_site(tmp_path, cluster.url.removesuffix("postgres") + tmp_path.name.lower())
    yield site, token
    site.stop()


def get_timed(site, path):
    started = time.monotonic()
    response = requests.get(site.url + path, cookies={"sessionid": "x" * 32}, timeout=60, allow_redirects=False)
    return response, time.monotonic() - started


def measure_memory(site):
    lines = [line for pid in site.list_workers() for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def test_a_stalled_database_holds_up_no_request(cluster, postgres_site):
    """Requests get a 503 in time, also those that find all threads busy. No acknowledged prediction is lost."""
    site, token = postgres_site
    results, finished = [], threading.Event()

    def send_until_finished(client):
        seed = client * 100_000
        while not finished.is_set():
            seed += 1
            results.append((time.monotonic(), stalls.send_image(site, token, seed)))

    memory_before = measure_memory(site)
    with ThreadPoolExecutor(CLIENTS) as threads:
        for client in range(CLIENTS):
            threads.submit(send_until_finished, client)
        wait_until(lambda: len(results) > 100, 30)
        log_bytes = site.log.stat().st_size
        with stalls.stall(cluster):
            stalled_at = time.monotonic()
            pages = [get_timed(site, path) for path in ("/readyz", "/healthz", "/predictions/", "/readyz")]
            wait_until(lambda: time.monotonic() > stalled_at + 15, 30)
            lines = site.log.read_bytes()[log_bytes:].splitlines()
        resumed_at = time.monotonic()
        time.sleep(4)
        finished.set()
    during = [result for ended, result in results if stalled_at < ended < resumed_at]
    assert max(result.seconds for result in during) < MAX_SECONDS
    problems = [result.response for result in during if result.response.status_code != 201]
    assert {response.json()["code"] for response in problems} == {"database-unavailable"}
    assert {(response.status_code, response.headers["Content-Type"]) for response in problems} == {
        (503, "application/problem+json")
    }
    assert all(response.headers["Retry-After"] for response in problems)
    assert [response.status_code for response, _ in pages] == [503, 200, 503, 503]
    assert max(seconds for _, seconds in pages) < MAX_SECONDS
    assert "The database is unavailable." in pages[2][0].text
    assert sum(b"Traceback" in line for line in lines) <= 2 * 2
    after = [(ended, result.response.status_code) for ended, result in results if ended > resumed_at]
    assert min(ended for ended, status in after if status == 201) - resumed_at < MAX_SECONDS
    assert {status for ended, status in after if ended > resumed_at + 2} == {201}
    assert measure_memory(site) - memory_before < 50 * 2
    acknowledged = {result.response.json()["id"] for _, result in results if result.response.status_code == 201}
    stored = site.run_script(
        "from predictions.models import Prediction as P; print(*P.objects.values_list('id', flat=True))"
    )
    assert set(stored.split()) >= acknowledged


def test_a_read_only_database_is_not_ready(cluster, postgres_site):
    site, token = postgres_site
    url = site.environment["DATABASE_URL"]
    name = url.rpartition("/")[2]
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.cursor().execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [name]
        )
        wait_until(lambda: get_timed(site, "/readyz")[0].json().get("database") == "not-writable", 12)
        response = site.predict(make_noise_image(1), token)
        assert (response.status_code, response.json()["code"]) == (503, "database-unavailable")
        connection.cursor().execute("SET default_transaction_read_only = off")
        connection.cursor().execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        connection.cursor().execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [name]
        )
    site.wait_until_ready()
    assert site.predict(make_noise_image(2), token).status_code == 201


@pytest.fixture
def sqlite_site(tmp_path):
    site, token = start_site(tmp_path, f"sqlite:///{tmp_path}/site.sqlite3")
    yield site, token
    site.stop()


def test_a_locked_sqlite_database_holds_up_no_request(sqlite_site):
    site, token = sqlite_site
    with closing(sqlite3.connect(site.folder / "site.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        results = stalls.send_images(site, token, clients=16, seeds=range(16))
        other.execute("ROLLBACK")
    assert {(result.response.status_code, result.response.json()["code"]) for result in results} == {
        (503, "database-unavailable")
    }
    assert max(result.seconds for result in results) < MAX_SECONDS
    after = stalls.send_images(site, token, clients=16, seeds=range(16, 48))
    assert {result.response.status_code for result in after} == {201}


def test_a_long_reader_does_not_lock_sqlite(sqlite_site):
    site, token = sqlite_site
    with closing(sqlite3.connect(site.folder / "site.sqlite3", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM predictions_prediction").fetchone()
        results = stalls.send_images(site, token, clients=8, seeds=range(160))
        assert reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert {result.response.status_code for result in results} == {201}
