"""What the running program does when things break: signals, kills, silence, a crashed database, a hung model."""

import hashlib
import json
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from pathlib import Path

import psycopg2
import pytest
import requests
from PIL import Image

from inference.tests.factories import make_noise_image
from mlsite.tests import postgres
from mlsite.tests.site import Site

pytestmark = pytest.mark.site
# Each has a site of its own and takes its time: two lines of them, beside each other.
first, second = (pytest.mark.xdist_group(name) for name in ("faults", "more faults"))
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.mark.xdist_group("site")
def test_a_body_that_falls_silent_is_given_up(site):
    head = "POST /api/v1/predictions/ HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += f"Authorization: Bearer {site.token()}\r\n"
    head += "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 5000\r\n\r\n--x"
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as connection:
        connection.sendall(head.encode())
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 400")
    assert b"malformed-request" in answer


def large_png():
    """A PNG of 25 megapixels with transparency: half a megabyte to send, 100 MB to decode."""
    out = BytesIO()
    Image.new("RGBA", (5000, 5000), (9, 9, 9, 9)).save(out, "PNG")
    return out.getvalue()


@second
@pytest.mark.once
def test_large_images_leave_no_memory_behind(make_site):
    site = make_site(WEB_CONCURRENCY="1")
    site.start()
    token, image = site.token(), large_png()

    def resident():
        status = Path(f"/proc/{site.workers()[0]}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) // 1024

    assert [site.ask(image, token).status_code for _ in range(2)] == [201, 201]
    before = resident()
    assert [site.ask(image, token).status_code for _ in range(8)] == [201] * 8
    assert resident() - before < 50


@first
@pytest.mark.once
def test_a_signal_drains_what_is_in_flight(make_site):
    site = make_site()
    site.start()
    token = site.token()
    answers, refused = [], []

    def keep_asking(seed):
        for n in range(1000):
            try:
                answers.append(site.ask(make_noise_image(seed * 1000 + n), token))
            except requests.ConnectionError:
                refused.append(seed)
                return

    with ThreadPoolExecutor(6) as threads:
        futures = [threads.submit(keep_asking, seed) for seed in range(6)]
        while len(answers) < 60:
            threading.Event().wait(0.05)
        status = site.stop()
        for future in futures:
            future.result()
    assert status == 0
    assert {answer.status_code for answer in answers} == {201}
    acknowledged = {answer.json()["id"] for answer in answers}
    assert len(acknowledged) == len(answers)
    site.start()
    assert stored_ids(site) >= acknowledged


def stored_ids(site):
    script = "from predictions.models import Prediction as P; print(*P.objects.values_list('id', flat=True))"
    return set(site.manage("shell", "--no-imports", "-v0", "-c", script).split())


VERIFY = """
import hashlib, json
from predictions.models import Input, Prediction
rows = {str(p.id): p for p in Prediction.objects.select_related("input")}
print(json.dumps({
    "predictions": len(rows), "inputs": Input.objects.count(),
    "files": {k: hashlib.sha256(open(p.input.image.path, "rb").read()).hexdigest() for k, p in rows.items()},
    "status": {k: p.status for k, p in rows.items()},
}))
"""


@first
def test_a_killed_worker_loses_nothing_that_was_acknowledged(make_site):
    site = make_site()
    site.start()
    token = site.token()
    acknowledged, broken = {}, []
    done = threading.Event()

    def keep_asking(seed):
        number = 0
        while not done.is_set():
            number += 1
            image = make_noise_image(seed * 100_000 + number)
            try:
                answer = site.ask(image, token)
            except requests.RequestException:
                broken.append(seed)
                continue
            if answer.status_code == 201:
                acknowledged[answer.json()["id"]] = hashlib.sha256(image).hexdigest()
            else:
                broken.append(answer.status_code)

    kills = 0
    with ThreadPoolExecutor(4) as threads:
        for seed in range(4):
            threads.submit(keep_asking, seed)
        try:
            for _ in range(3):
                target = len(acknowledged) + 40
                while len(acknowledged) < target:
                    threading.Event().wait(0.05)
                os.kill(site.workers()[0], signal.SIGKILL)
                kills += 1
        finally:
            done.set()
    site.wait_until_ready()
    found = json.loads(site.manage("shell", "--no-imports", "-v0", "-c", VERIFY).splitlines()[-1])
    assert len(acknowledged) >= 120
    assert {key: found["files"].get(key) for key in acknowledged} == acknowledged
    assert found["predictions"] == found["inputs"] >= len(acknowledged)
    assert found["predictions"] - len(acknowledged) <= len(broken)
    assert {found["status"][key] for key in acknowledged} == {"succeeded"}
    assert len(broken) <= kills * 4
    media = Path(site.folder, "var", "media")
    orphans = len(list((media / "inputs").rglob("*.png"))) - found["predictions"]
    assert 0 <= orphans <= kills * 8


@second
def test_a_database_that_drops_its_connections_is_asked_again(make_site):
    """PostgreSQL restarts and firewalls cut idle connections; SQLite has none to cut, and must simply go on."""
    site = make_site()
    site.start()
    token = site.token()
    assert [site.ask(make_noise_image(n), token).status_code for n in range(8)] == [201] * 8
    url = site.environment["DATABASE_URL"]
    if url.startswith("postgres"):
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] > 0
    assert [site.ask(make_noise_image(n), token).status_code for n in range(8)] == [201] * 8


@second
@pytest.mark.skipif(not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="for the run on PostgreSQL")
def test_a_crash_of_the_database_is_told_and_survived(tmp_path):
    with postgres.running(postgres.find_binaries()) as cluster:
        site = Site(tmp_path, cluster.url)
        site.manage("bootstrap")
        site.start()
        token = site.token()
        before = [site.ask(make_noise_image(n), token) for n in range(10)]
        cluster.crash()
        during = [site.ask(make_noise_image(n), token) for n in range(10, 20)]
        health = site.status("/healthz"), site.status("/readyz")
        page = requests.get(f"{site.url}/predictions/", cookies={"sessionid": "x" * 32}, timeout=10)
        cluster.start()
        after = [site.ask(make_noise_image(n), token) for n in range(20, 30)]
        stored = stored_ids(site)
        assert site.stop() == 0
    assert {answer.status_code for answer in before} == {201}
    assert {answer.json()["code"] for answer in during} == {"database-unavailable"}
    assert {answer.headers["Content-Type"] for answer in during} == {"application/problem+json"}
    assert all(answer.status_code == 503 and answer.headers["Retry-After"] for answer in during)
    assert max(answer.elapsed.total_seconds() for answer in during) < 5
    assert health == (200, 503)
    assert (page.status_code, "cannot be reached" in page.text) == (503, True)
    assert {answer.status_code for answer in after} == {201}
    assert stored == {answer.json()["id"] for answer in before + after}


@second
@pytest.mark.once
def test_a_hung_model_is_answered_and_its_process_replaced(make_site, tmp_path):
    site = make_site(WEB_CONCURRENCY="1", PREDICT_TIMEOUT="1")
    site.register_dummy(tmp_path, "slow", sleep=6)
    site.start()
    token, first = site.token(), site.workers()
    answer = site.ask(make_noise_image(1), token, model="slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "inference-timeout")
    assert answer.headers["Retry-After"]
    assert (
        requests.get(answer.json()["prediction"], headers={"Authorization": f"Bearer {token}"}, timeout=9).status_code == 200
    )
    nap = threading.Event()
    for _ in range(300):
        if site.workers() and site.workers() != first:
            break
        nap.wait(0.1)
    assert site.workers() != first
    site.wait_until_ready()
    assert site.ask(make_noise_image(2), token, model="digits").status_code == 201
