"""A running site under faults: signals, killed processes, stalled uploads, database failures, and hung models."""

import os
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO

import psycopg2
import pytest
import requests
from PIL import Image

from inference.tests.factories import make_noise_image
from mlsite.tests import postgres
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.load import Load
from mlsite.tests.memory import read_resident_megabytes
from mlsite.tests.site import Site

pytestmark = pytest.mark.site
# A site with one small model is prepared faster than `bootstrap` prepares the example site.
PREPARE_SCRIPT = """
from django.core.management import call_command
from accounts.models import User
from accounts.services import create_token
call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
print(create_token(user=User.objects.create_user("demo"), name="test")[1])
"""

# Each test has its own site. Two groups run in parallel.
first_group, second_group = (pytest.mark.xdist_group(name) for name in ("faults", "more faults"))


def list_stored_ids(site):
    script = "from predictions.models import Prediction as P; print(*P.objects.values_list('id', flat=True))"
    return set(site.run_script(script).split())


@pytest.mark.once
@pytest.mark.xdist_group("site")
def test_stalled_upload_is_closed(site):
    head = "POST /api/v1/predictions/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {site.create_token()}\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n--x"
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as connection:
        connection.sendall(head.encode())
        response = connection.makefile("rb").read()
    assert response.startswith(b"HTTP/1.1 408")
    assert b"request-timeout" in response


def make_large_png():
    """Return a PNG of 25 megapixels with transparency: half a megabyte to send, 100 MB to decode."""
    buffer = BytesIO()
    Image.new("RGBA", (5000, 5000), (9, 9, 9, 9)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.slow
@second_group
@pytest.mark.services
def test_memory_of_large_images_is_released(make_site):
    site = make_site(WEB_CONCURRENCY="1")
    site.start()
    token, image = site.create_token(), make_large_png()
    (worker,) = site.list_workers()
    assert [site.predict(image, token).status_code for _ in range(2)] == [201, 201]
    before = read_resident_megabytes([worker])
    assert [site.predict(image, token).status_code for _ in range(8)] == [201] * 8
    assert read_resident_megabytes([worker]) - before < 50


@first_group
@pytest.mark.once
def test_sigterm_waits_for_requests_in_progress(make_site):
    site = make_site()
    site.start()
    token = site.create_token()
    responses = []

    def send_until_refused(seed):
        for number in range(1000):
            try:
                responses.append(site.predict(make_noise_image(seed * 1000 + number), token))
            except requests.ConnectionError:
                return

    with ThreadPoolExecutor(6) as threads:
        futures = [threads.submit(send_until_refused, seed) for seed in range(6)]
        while len(responses) < 60:
            time.sleep(0.05)
        exit_status = site.stop()
        for future in futures:
            future.result()
    assert exit_status == 0
    assert {response.status_code for response in responses} == {201}
    acknowledged = {response.json()["id"] for response in responses}
    assert len(acknowledged) == len(responses)
    site.start()
    assert list_stored_ids(site) >= acknowledged


@first_group
@pytest.mark.faults
def test_killed_worker_loses_no_acknowledged_prediction(make_site, tmp_path):
    site = make_site()
    site.start()
    load = Load(site.url, site.create_token(), tmp_path / "journal.jsonl", threads=4)
    load.start(kind="image")
    kill_count = 3
    try:
        for _ in range(kill_count):
            target = load.count("ok") + 40
            assert wait_until(lambda enough=target: load.count("ok") >= enough, seconds=60)
            os.kill(site.list_workers()[0], signal.SIGKILL)
    finally:
        load.stop()
    site.wait_until_ready()
    assert load.count("ok") >= 120
    assert load.count("info") <= kill_count * 4
    assert load.count("fail") == 0
    site.manage("sweep_media", "--older-than", "0")
    site.manage("verify_store", "--journal", str(load.journal))


@second_group
def test_closed_database_connections_are_reopened(make_site):
    """PostgreSQL restarts and firewalls close idle connections. SQLite has none: requests must simply succeed."""
    site = make_site()
    site.start()
    token = site.create_token()
    assert [site.predict(make_noise_image(seed), token).status_code for seed in range(8)] == [201] * 8
    url = site.environment["DATABASE_URL"]
    if url.startswith("postgres"):
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity "  # waits until each is closed
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] > 0
    assert [site.predict(make_noise_image(seed), token).status_code for seed in range(8)] == [201] * 8


@second_group
@pytest.mark.faults
def test_database_crash_is_reported_and_recovered_from(tmp_path):
    with postgres.run_cluster(postgres.find_binaries()) as cluster:
        site = Site(tmp_path, cluster.url)
        token = site.run_script(PREPARE_SCRIPT).split()[-1]
        site.register_dummy(tmp_path, "shades")
        site.start()
        before = [site.predict(make_noise_image(seed), token) for seed in range(10)]
        cluster.crash()
        during = [site.predict(make_noise_image(seed), token) for seed in range(10, 20)]
        health = site.get_status("/healthz"), site.get_status("/readyz")
        page = requests.get(f"{site.url}/predictions/", cookies={"sessionid": "x" * 32}, timeout=10)
        cluster.start()
        after = [site.predict(make_noise_image(seed), token) for seed in range(20, 30)]
        stored = list_stored_ids(site)
        assert site.stop() == 0
    assert {response.status_code for response in before} == {201}
    assert {response.json()["code"] for response in during} == {"database-unavailable"}
    assert {response.headers["Content-Type"] for response in during} == {"application/problem+json"}
    assert all(response.status_code == 503 and response.headers["Retry-After"] for response in during)
    assert max(response.elapsed.total_seconds() for response in during) < 5
    assert health == (200, 503)
    assert (page.status_code, "The database is unavailable." in page.text) == (503, True)
    assert page.headers["Retry-After"]
    assert {response.status_code for response in after} == {201}
    assert stored == {response.json()["id"] for response in before + after}


@pytest.mark.slow
@second_group
@pytest.mark.services
def test_hung_model_times_out_and_its_worker_is_replaced(make_site, tmp_path):
    site = make_site(WEB_CONCURRENCY="1", PREDICT_TIMEOUT="1")
    site.register_dummy(tmp_path, "slow", sleep=6)
    site.start()
    token, workers = site.create_token(), site.list_workers()
    response = site.predict(make_noise_image(1), token, model="slow")
    assert (response.status_code, response.json()["code"]) == (503, "inference-timeout")
    assert response.headers["Retry-After"]
    assert site.get(response.json()["prediction"].removeprefix(site.url), token).status_code == 200
    deadline = time.monotonic() + 30
    while site.list_workers() in ([], workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert site.list_workers() != workers
    site.wait_until_ready()
    assert site.predict(make_noise_image(2), token, model="digits").status_code == 201
