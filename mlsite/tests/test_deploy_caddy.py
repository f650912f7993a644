"""The site behind Caddy, with the configuration in deploy/."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from core.tests.requirements import require
from mlsite.tests.postgres import find_free_port
from mlsite.tests.proxies import CADDYFILE, write_caddyfile
from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES, build_auth_header
from mlsite.tests.test_deploy import wait_until_ready

pytestmark = pytest.mark.once
BATCH_JOBS_PATH = "/api/v1/batch-jobs/"


@pytest.fixture
def caddy():
    """Return the path of Caddy, which is a package from PyPI."""
    path = shutil.which("caddy", path=Path(sys.executable).parent)
    require("Caddy", path)
    require("openssl", shutil.which("openssl"))
    return path


@contextmanager
def run_caddy(caddy, folder, **options):
    """Run Caddy in front of a site. Yield the URLs with HTTP and HTTPS."""
    ports = {"http_port": find_free_port(), "https_port": find_free_port()}
    path = write_caddyfile(folder, **ports, **options)
    command = [caddy, "run", "--config", path, "--adapter", "caddyfile"]
    process = subprocess.Popen(command, env={**os.environ, "HOME": str(folder)}, stderr=subprocess.DEVNULL)
    try:
        yield f"http://127.0.0.1:{ports['http_port']}", f"https://127.0.0.1:{ports['https_port']}"
    finally:
        process.terminate()
        process.wait()


@pytest.mark.parametrize("command", [("validate", "--config"), ("fmt",)])
def test_caddy_accepts_the_configuration(tmp_path, caddy, command):
    environment = {**os.environ, "HOME": str(tmp_path)}
    process = subprocess.run([caddy, *command, CADDYFILE], env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert '"level":"warn"' not in process.stderr


@pytest.mark.services
def test_the_site_works_behind_caddy(make_site, tmp_path, caddy):
    site = make_site(HTTPS="true", TRUSTED_PROXIES="1", WEB_CONCURRENCY="1")
    headers = build_auth_header(site.create_token())
    site.start(wait=False)
    with run_caddy(caddy, tmp_path, site_port=site.port) as (http, https):
        options = {"verify": str(tmp_path / "site.pem"), "timeout": 60}
        wait_until_ready(https, options)
        image = (SAMPLES / "seven.png").read_bytes()
        forged = {**headers, "X-Forwarded-Proto": "http", "X-Forwarded-For": "203.0.113.7"}
        created = requests.post(https + PREDICTIONS_PATH, headers=forged, files={"image": image}, **options).json()
        assert created["label"] == "7"
        assert created["url"].startswith("https://127.0.0.1")
        assert requests.get(created["input"]["image_url"], headers=headers, **options).content == image
        redirect = requests.post(http + PREDICTIONS_PATH, allow_redirects=False, timeout=20)
        assert redirect.status_code == 308
        assert redirect.headers["Location"] == f"https://127.0.0.1{PREDICTIONS_PATH}"  # on the port of HTTPS
        assert requests.get(f"{https}/metrics", **options).status_code == 403
        archive = {"file": ("images.zip", bytes(66 * 2**20))}
        job = requests.post(https + BATCH_JOBS_PATH, headers=headers, files=archive, **options)
        assert job.status_code == 400 and job.headers["Content-Type"] == "application/problem+json", job.text


@pytest.mark.slow
@pytest.mark.services
def test_the_site_works_below_a_path_behind_caddy(make_site, tmp_path, caddy):
    settings = {"HTTPS": "true", "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1", "FORCE_SCRIPT_NAME": "/models-site"}
    site = make_site(**settings)
    site.start(wait=False)
    with run_caddy(caddy, tmp_path, site_port=site.port, path="/models-site") as (_, https):
        options = {"verify": str(tmp_path / "site.pem"), "timeout": 20}
        wait_until_ready(f"{https}/models-site", options)
        page = requests.get(f"{https}/models-site/accounts/login/", **options)
        assert page.status_code == 200 and 'href="/models-site/' in page.text
        image = {"image": (SAMPLES / "seven.png").read_bytes()}
        headers = build_auth_header(site.create_token())
        created = requests.post(f"{https}/models-site{PREDICTIONS_PATH}", headers=headers, files=image, **options).json()
        assert urlsplit(created["url"]).path.startswith(f"/models-site{PREDICTIONS_PATH}")
        assert requests.get(https + urlsplit(created["url"]).path, headers=headers, **options).json()["label"] == "7"
        assert requests.get(f"{https}/models-site/metrics", **options).status_code == 403
