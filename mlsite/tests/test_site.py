"""The program as it is run: gunicorn, processes, signals, the real digits model."""

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from pathlib import Path

import psycopg2
import pytest
import requests
from PIL import Image

from inference.tests.pictures import noise
from mlsite.tests import postgres
from mlsite.tests.site import SAMPLES, Site

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("site")]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def test_the_main_job_by_curl(site):
    """As README has it: one command, one stored and browsable answer, the same bytes back."""
    token, image = site.token(), SAMPLES / "seven.png"
    header = ["-H", f"Authorization: Bearer {token}"]
    answered = subprocess.run(
        ["curl", "-sS", "-F", f"image=@{image}", *header, f"{site.url}/api/v1/predictions/"], capture_output=True, check=True
    )
    body = json.loads(answered.stdout)
    assert (body["label"], body["model"], body["model_version"], body["status"]) == ("7", "digits", 1, "succeeded")
    assert len(body["output"]["scores"]) == 10
    assert all(value > 0 for value in body["timings"].values())
    image_bytes = subprocess.run(["curl", "-sS", *header, body["input"]["image_url"]], capture_output=True, check=True)
    assert image_bytes.stdout == image.read_bytes()
    listed = requests.get(f"{site.url}/api/v1/predictions/", headers={"Authorization": f"Bearer {token}"}, timeout=10).json()
    assert listed["results"][0] == body


@pytest.mark.parametrize("number", range(10))
def test_every_sample_is_read_right(site, number):
    body = site.ask((SAMPLES / f"{DIGITS[number]}.png").read_bytes(), site.token()).json()
    assert (body["label"], body["confidence"] > 0.5) == (str(number), True)


def test_metrics_add_up_across_processes(site):
    token = site.token()
    headers = {"Authorization": f"Bearer {token}"}

    def counted():
        text = requests.get(f"{site.url}/metrics", headers=headers, timeout=10).text
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line[0] != "#"}

    served = 'mlsite_predictions_total{model="digits",status="succeeded",version="1"}'
    before = counted().get(served, 0)
    with ThreadPoolExecutor(8) as threads:
        statuses = list(threads.map(lambda n: site.ask(noise(n, size=(28, 28)), token).status_code, range(40)))
    assert statuses == [201] * 40
    after = counted()
    assert after[served] - before == 40
    assert after['mlsite_queue_depth{model="digits",version="1"}'] == 0
    assert after['mlsite_prediction_stage_seconds_count{model="digits",stage="inference",version="1"}'] >= 40
    route = 'mlsite_http_request_seconds_count{method="POST",route="api/v1/predictions/"}'
    assert after[route] >= 40


def test_logs_are_json_without_secrets(site):
    token = site.token()
    body = site.ask((SAMPLES / "two.png").read_bytes(), token, client_reference="log-me").json()
    requests.get(f"{site.url}/accounts/login/?secret=in-the-query", timeout=10)
    text = site.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert {"Listening at", "ready at"} <= {line["message"].partition(":")[0].partition(" http")[0] for line in lines}
    requested = [line for line in lines if line["message"] == "request" and line["path"] == "/api/v1/predictions/"][-1]
    assert requested["status"] == 201
    assert requested["ms"] > 0
    assert requested["user"]
    assert requested["request_id"]
    predicted = [line for line in lines if line["message"] == "prediction" and line["prediction"] == body["id"]]
    assert len(predicted) == 1
    assert (predicted[0]["model"], predicted[0]["label"], predicted[0]["status"]) == ("digits:1", "2", "succeeded")
    assert token not in text
    assert "in-the-query" not in text
    assert "PNG" not in text


def test_the_server_speaks_plainly_to_broken_http(site):
    for raw in (
        b"POST /api/v1/predictions/ HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde",
        b"POST /api/v1/predictions/ HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: xchunked\r\n\r\nabc",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"".join(b"X-%d: x\r\n" % n for n in range(200)) + b"\r\n",
    ):
        with socket.create_connection(("127.0.0.1", site.port), timeout=10) as connection:
            connection.sendall(raw)
            answer = connection.recv(200)
        assert answer.split(b" ")[1][:1] == b"4" or answer.split(b" ")[1] in (b"501",), answer
    assert site.status("/healthz") == 200


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


def test_health_answers_before_the_model_is_loaded(make_site):
    site = make_site(WEB_CONCURRENCY="1")
    site.start(wait=False)
    nap = threading.Event()
    while (alive := site.status("/healthz")) == 0:
        nap.wait(0.02)
    assert (alive, site.status("/readyz")) == (200, 503)
    site.wait_until_ready()
    assert site.stop() == 0


def test_a_signal_drains_what_is_in_flight(make_site):
    site = make_site()
    site.start()
    token = site.token()
    answers, refused = [], []

    def keep_asking(seed):
        for n in range(1000):
            try:
                answers.append(site.ask(noise(seed * 1000 + n), token))
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
    "status": sorted({p.status for p in rows.values()}),
}))
"""


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
            image = noise(seed * 100_000 + number)
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
    assert found["status"] == ["succeeded"]
    assert len(broken) <= kills * 4
    media = Path(site.folder, "var", "media")
    orphans = len(list((media / "inputs").rglob("*.png"))) - found["predictions"]
    assert 0 <= orphans <= kills * 8


def test_a_database_that_drops_its_connections_is_asked_again(make_site):
    """PostgreSQL restarts and firewalls cut idle connections; SQLite has none to cut, and must simply go on."""
    site = make_site()
    site.start()
    token = site.token()
    assert [site.ask(noise(n), token).status_code for n in range(8)] == [201] * 8
    url = site.environment["DATABASE_URL"]
    if url.startswith("postgres"):
        with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            assert cursor.fetchone()[0] > 0
    assert [site.ask(noise(n), token).status_code for n in range(8)] == [201] * 8


@pytest.mark.skipif(not os.environ.get("DATABASE_URL", "").startswith("postgres"), reason="for the run on PostgreSQL")
def test_a_crash_of_the_database_is_told_and_survived(tmp_path):
    with postgres.running(postgres.find_binaries()) as cluster:
        site = Site(tmp_path, cluster.url)
        site.manage("bootstrap")
        site.start()
        token = site.token()
        before = [site.ask(noise(n), token) for n in range(10)]
        cluster.crash()
        during = [site.ask(noise(n), token) for n in range(10, 20)]
        health = site.status("/healthz"), site.status("/readyz")
        page = requests.get(f"{site.url}/predictions/", cookies={"sessionid": "x" * 32}, timeout=10)
        cluster.start()
        after = [site.ask(noise(n), token) for n in range(20, 30)]
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


def test_a_hung_model_is_answered_and_its_process_replaced(make_site, tmp_path):
    site = make_site(WEB_CONCURRENCY="1", PREDICT_TIMEOUT="1")
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "slow.dummy.json").write_text('{"classes": 2, "sleep": 6}')
    (folder / "model.toml").write_text(
        'name = "slow"\nartifact = "slow.dummy.json"\nlabels = ["a", "b"]\n'
        '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\n'
    )
    site.manage("register_model", str(folder), "--promote")
    site.start()
    token, first = site.token(), site.workers()
    answer = site.ask(noise(1), token, model="slow")
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
    assert site.ask(noise(2), token, model="digits").status_code == 201


def test_the_example_is_registered_once_however_often_bootstrap_runs(site):
    before = site.manage("promote_model", "digits", "1")
    site.manage("bootstrap")
    assert before == "digits@production: 1 -> 1\n"
    script = "from predictions.models import ModelVersion as V; print(V.objects.filter(model__name='digits').count())"
    assert site.manage("shell", "--no-imports", "-v0", "-c", script).split() == ["1"]


def test_the_api_is_as_its_schema_says(site):
    """schemathesis makes requests by the OpenAPI schema; nothing may be a 500 or an undocumented answer."""
    headers = {"Authorization": f"Bearer {site.token()}"}
    schema = requests.get(f"{site.url}/api/schema/?format=json", headers=headers, timeout=10).json()
    path = site.folder / "openapi.json"
    path.write_text(json.dumps(schema))
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", site.url, "--checks", checks),
            *("-H", f"Authorization: {headers['Authorization']}", "--max-examples", "30", "--phases", "examples,fuzzing"),
            *("--generation-database", "none", "--seed", "1", "--no-color"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=site.folder,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
