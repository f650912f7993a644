"""The program as it is run: gunicorn, its processes, the real digits model."""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from core.tests.requirements import require
from inference.signature import Signature
from inference.tests.factories import make_noise_image
from mlsite.tests.site import ROOT, SAMPLES
from predictions.snippets import build_snippets

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


@pytest.mark.once
@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
@pytest.mark.parametrize("name", ["digits", "iris", "diabetes"])
def test_the_request_to_copy_works(site, tmp_path, name, language):
    """The three snippets of a model's page, run as they are."""
    token = site.token()
    model = requests.get(
        f"{site.url}/api/v1/models/{name}/", headers={"Authorization": f"Bearer {token}"}, timeout=10
    ).json()
    signature = Signature.from_dict(model["versions"][0]["signature"])
    code = {one.language: one.code for one in build_snippets(signature, reference=name, site_url=site.url)}[language]
    require("node", language != "JavaScript" or shutil.which("node"))
    command = {
        "curl": ["bash", "-c", code],
        "Python": [sys.executable, "-c", code],
        "JavaScript": ["node", "--input-type=module", "--eval", code],
    }[language]
    (tmp_path / "image.png").write_bytes((SAMPLES / "seven.png").read_bytes())
    environment = {**os.environ, "MLSITE_TOKEN": token}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert {"digits": "7", "iris": "setosa", "diabetes": "197.8"}[name] in done.stdout


@pytest.mark.parametrize(("name", "answers"), [("iris", {"setosa", "versicolor", "virginica"}), ("diabetes", None)])
def test_the_sample_rows_are_answered(site, name, answers):
    lines = site.manage("predict", name, str(ROOT / "examples" / name / "samples.csv"), "--json").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(found) == 6
    assert all(one["status"] == "succeeded" for one in found)
    assert answers is None or {one["label"] for one in found} == answers


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
        statuses = list(threads.map(lambda n: site.ask(make_noise_image(n, size=(28, 28)), token).status_code, range(40)))
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
    requests.get(f"{site.url}/accounts/reset/MDE/token-of-a-reset/", timeout=10)
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
    assert "token-of-a-reset" not in text
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


@pytest.mark.once
def test_health_answers_before_the_model_is_loaded(make_site):
    site = make_site(WEB_CONCURRENCY="1")
    site.start(wait=False)
    nap = threading.Event()
    while (alive := site.status("/healthz")) == 0:
        nap.wait(0.02)
    assert (alive, site.status("/readyz")) == (200, 503)
    site.wait_until_ready()
    assert site.stop() == 0


def test_a_promotion_is_loaded_before_anybody_asks(site, tmp_path):
    site.register_dummy(tmp_path, "extra")
    nap = threading.Event()
    for _ in range(300):
        loaded = _lines(site, '"model loaded"', '"extra:1"')
        if len(loaded) == 2:  # one for each process
            break
        nap.wait(0.1)
    assert len(loaded) == 2


def _lines(site, *parts):
    return [line for line in site.log.read_text().splitlines() if all(part in line for part in parts)]


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
