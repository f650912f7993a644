"""A running site with the example models: gunicorn with two worker processes, HTTP, metrics, and logs."""

import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from core.tests.requirements import require
from inference.signature import Signature
from inference.tests.factories import make_noise_image
from mlsite import __version__
from mlsite.tests.site import PREDICTIONS_PATH, ROOT, SAMPLES
from predictions.snippets import build_snippets

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("site")]
DIGITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


def test_image_is_predicted_and_stored_with_curl(site):
    token, image = site.create_token(), SAMPLES / "seven.png"
    curl = ["curl", "-sS", "-H", f"Authorization: Bearer {token}"]
    created = subprocess.run([*curl, "-F", f"image=@{image}", site.url + PREDICTIONS_PATH], capture_output=True, check=True)
    body = json.loads(created.stdout)
    assert (body["label"], body["model"], body["model_version"], body["status"]) == ("7", "digits", 1, "succeeded")
    assert len(body["output"]["scores"]) == 10
    assert body["timings"].keys() == {"queue_ms", "preprocess_ms", "inference_ms", "decode_ms"}
    assert all(value >= 0 for value in body["timings"].values())
    assert body["timings"]["inference_ms"] > 0
    download = subprocess.run([*curl, body["input"]["image_url"]], capture_output=True, check=True)
    assert download.stdout == image.read_bytes()
    assert site.get(PREDICTIONS_PATH, token).json()["results"][0] == body


@pytest.mark.once
@pytest.mark.parametrize("language", ["curl", "Python", "JavaScript"])
@pytest.mark.parametrize(("name", "output"), [("digits", "7"), ("iris", "setosa"), ("diabetes", "197.8")])
def test_code_examples_of_the_model_page_work(site, tmp_path, name, output, language):
    token = site.create_token()
    model = site.get(f"/api/v1/models/{name}/", token).json()
    signature = Signature.from_dict(model["versions"][0]["signature"])
    snippets = build_snippets(signature, reference=name, site_url=site.url)
    code = {snippet.language: snippet.code for snippet in snippets}[language]
    require("node", language != "JavaScript" or shutil.which("node"))
    command = {
        "curl": ["bash", "-c", code],
        "Python": [sys.executable, "-c", code],
        "JavaScript": ["node", "--input-type=module", "--eval", code],
    }[language]
    shutil.copy(SAMPLES / "seven.png", tmp_path / "image.png")
    environment = {**os.environ, "MLSITE_TOKEN": token}
    process = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert output in process.stdout


@pytest.mark.once
@pytest.mark.parametrize(("name", "labels"), [("iris", {"setosa", "versicolor", "virginica"}), ("diabetes", None)])
def test_sample_rows_of_the_examples_are_predicted(site, name, labels):
    lines = site.manage("predict", name, str(ROOT / "examples" / name / "samples.csv"), "--json").splitlines()
    predictions = [json.loads(line) for line in lines if line.startswith("{")]
    assert len(predictions) == 6
    assert all(prediction["status"] == "succeeded" for prediction in predictions)
    assert labels is None or {prediction["label"] for prediction in predictions} == labels


@pytest.mark.once
@pytest.mark.parametrize("number", range(10))
def test_sample_digits_are_recognized(site, number):
    body = site.predict((SAMPLES / f"{DIGITS[number]}.png").read_bytes(), site.create_token()).json()
    assert (body["label"], body["confidence"] > 0.5) == (str(number), True)


def test_metrics_are_summed_over_all_processes(site):
    token = site.create_token()

    def read_metrics():
        lines = site.get("/metrics", token).text.splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if line[0] != "#"}

    predictions = 'mlsite_predictions_total{model="digits",status="succeeded",version="1"}'
    before = read_metrics().get(predictions, 0)
    images = [make_noise_image(seed, size=(28, 28)) for seed in range(40)]
    with ThreadPoolExecutor(8) as threads:
        responses = list(threads.map(lambda image: site.predict(image, token), images))
    assert [response.status_code for response in responses] == [201] * 40
    after = read_metrics()
    assert after[predictions] - before == 40
    assert after['mlsite_queue_depth{model="digits",version="1"}'] == 0
    assert after['mlsite_prediction_stage_seconds_count{model="digits",stage="inference",version="1"}'] >= 40
    assert after['mlsite_http_request_seconds_count{method="POST",route="api/v1/predictions/"}'] >= 40


@pytest.mark.once
def test_logs_are_json_without_secrets(site):
    token = site.create_token()
    body = site.predict((SAMPLES / "two.png").read_bytes(), token, client_reference="log-me").json()
    requests.get(f"{site.url}/accounts/login/?secret=in-the-query", timeout=10)
    requests.get(f"{site.url}/accounts/reset/MDE/token-of-a-reset/", timeout=10)
    text = site.log.read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    messages = {line["message"].partition(":")[0].partition(" http")[0] for line in lines}
    assert {"Listening at", "ready at"} <= messages
    request = [line for line in lines if line["message"] == "request" and line["path"] == PREDICTIONS_PATH][-1]
    assert request["status"] == 201
    assert request["ms"] > 0
    assert request["user"]
    assert request["request_id"]
    (prediction,) = [line for line in lines if line["message"] == "prediction" and line["prediction"] == body["id"]]
    assert (prediction["model"], prediction["label"], prediction["status"]) == ("digits:1", "2", "succeeded")
    assert token not in text
    assert "in-the-query" not in text
    assert "token-of-a-reset" not in text
    assert "PNG" not in text


@pytest.mark.once
def test_healthz_responds_before_models_are_loaded(make_site):
    site = make_site(WEB_CONCURRENCY="1")
    site.start(wait=False)
    while (status := site.get_status("/healthz")) == 0:
        time.sleep(0.02)
    assert (status, site.get_status("/readyz")) == (200, 503)
    site.wait_until_ready()
    assert site.stop() == 0


def test_promoted_model_is_loaded_before_the_first_request(site, tmp_path):
    site.register_dummy(tmp_path, "extra")
    deadline = time.monotonic() + 30
    while (count := count_loads(site, "extra:1")) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert count == 2  # once per process


def count_loads(site, version):
    lines = site.log.read_text().splitlines()
    return sum('"model loaded"' in line and f'"{version}"' in line for line in lines)


def test_bootstrap_can_run_again(site):
    before = site.manage("promote_model", "digits", "1")
    site.manage("bootstrap")
    assert before == "digits@production: 1 -> 1\n"
    script = "from registry.models import ModelVersion as V; print(V.objects.filter(model__name='digits').count())"
    assert site.run_script(script) == "1"


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.parametrize("user", ["demo", "tester"])  # a superuser, and a user without rights
def test_api_conforms_to_its_schema(site, user):
    """Let schemathesis send requests that it generates from the schema, and sequences of them.

    It rejects 500s, undocumented responses, and accepted requests that the schema does not allow.
    """
    create = f"User.objects.filter(username={user!r}).exists() or User.objects.create_user({user!r}, password='a long word')"
    site.run_script(f"from accounts.models import User; {create}")
    token = site.create_token(user)
    schema = site.get("/api/schema/?format=json", token).json()
    assert schema["info"]["version"] == __version__
    path = site.folder / "openapi.json"
    path.write_text(json.dumps(schema))
    checks = (
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,"
        "negative_data_rejection"
    )
    process = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", str(path), "--url", site.url, "--checks", checks),
            *("-H", f"Authorization: Bearer {token}", "--max-examples", "15"),
            *("--phases", "examples,coverage,fuzzing,stateful"),
            *("--generation-database", "none", "--seed", "1", "--no-color"),
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=site.folder,
    )
    assert process.returncode == 0, process.stdout[-4000:] + process.stderr[-2000:]
