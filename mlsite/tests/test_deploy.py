"""The configuration of proxies in deploy/."""

import shutil
import subprocess
import time

import pytest
import requests

from core.tests.requirements import require
from mlsite.tests.postgres import find_free_port
from mlsite.tests.proxies import write_nginx_files
from mlsite.tests.site import PREDICTIONS_PATH, ROOT, SAMPLES, build_auth_header

pytestmark = pytest.mark.once


@pytest.fixture
def nginx():
    """Return the path of nginx. Skip the test if it cannot run here, but fail it in CI."""
    path = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")  # not in the PATH of all users
    require("nginx", path)
    require("openssl", shutil.which("openssl"))
    return path


def test_nginx_accepts_the_configuration(tmp_path, nginx):
    path = write_nginx_files(tmp_path, http_port=8080, https_port=8443, site_port=8000)
    process = subprocess.run([nginx, "-t", "-c", str(path)], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    assert "[warn]" not in process.stderr


@pytest.mark.services
def test_the_site_works_behind_nginx(make_site, tmp_path, nginx):
    site = make_site(HTTPS="true", TRUSTED_PROXIES="1", WEB_CONCURRENCY="1")
    token = site.create_token()
    site.start(wait=False)
    http_port, https_port = find_free_port(), find_free_port()
    path = write_nginx_files(tmp_path, http_port=http_port, https_port=https_port, site_port=site.port)
    proxy = subprocess.Popen([nginx, "-c", str(path)], stderr=subprocess.DEVNULL)
    try:
        url, options = f"https://127.0.0.1:{https_port}", {"verify": str(tmp_path / "site.pem"), "timeout": 20}
        deadline = time.monotonic() + 60
        while _get_status(f"{url}/readyz", options) != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        image = (SAMPLES / "seven.png").read_bytes()
        created = requests.post(
            url + PREDICTIONS_PATH, headers=build_auth_header(token), files={"image": image}, **options
        ).json()
        assert created["label"] == "7"
        assert created["url"].startswith("https://127.0.0.1")
        redirect = requests.post(f"http://127.0.0.1:{http_port}{PREDICTIONS_PATH}", allow_redirects=False, timeout=20)
        assert redirect.status_code == 308
        assert _get_status(f"{url}/metrics", options) == 403
    finally:
        proxy.terminate()
        proxy.wait()


def _get_status(url, options):
    try:
        return requests.get(url, **options).status_code
    except requests.ConnectionError:
        return 0


def test_the_configurations_agree_on_the_sizes_of_bodies(settings):
    batch = -(-(settings.MAX_BATCH_BYTES + settings.FORM_OVERHEAD_BYTES) // 2**20)
    job = -(-(settings.MAX_BATCH_FILE_BYTES + settings.FORM_OVERHEAD_BYTES) // 2**20)
    nginx = (ROOT / "deploy" / "nginx" / "mlsite.conf").read_text()
    caddy = (ROOT / "deploy" / "caddy" / "Caddyfile").read_text()
    assert f"client_max_body_size {batch}m;" in nginx
    assert f"client_max_body_size {job}m;" in nginx
    assert f"max_size {batch}MiB" in caddy
    assert f"max_size {job}MiB" in caddy
