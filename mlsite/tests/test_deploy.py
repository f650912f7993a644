"""The configuration of proxies in deploy/."""

import os
import re
import shutil
import subprocess
import time
from urllib.parse import urlsplit

import pytest
import requests

from core.tests.requirements import require
from mlsite.tests.links import find_paths
from mlsite.tests.postgres import find_free_port
from mlsite.tests.proxies import write_nginx_files
from mlsite.tests.site import PASSWORD, PREDICTIONS_PATH, ROOT, SAMPLES, build_auth_header

pytestmark = pytest.mark.once
REFERER = {"Referer": "https://127.0.0.1/"}  # nginx passes the name of the host without the port
LINKS = {"a href", "link href", "script src", "img src", "use href"}  # what browsers load with GET


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


@pytest.mark.slow
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
        wait_until_ready(url, options)
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


@pytest.mark.services
def test_the_site_works_below_a_path_and_nginx_sends_its_images(make_site, tmp_path, nginx):
    site = make_site(
        **{"HTTPS": "true", "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "1", "HOST": "::1"},
        **{"FORCE_SCRIPT_NAME": "/models-site", "X_ACCEL_LOCATION": "/stored-images/"},
    )
    site.manage("collectstatic", "--no-input")
    site.url = f"http://[::1]:{site.port}"
    site.start()
    http_port, https_port = find_free_port(), find_free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    ports = {"http_port": http_port, "https_port": https_port, "site_port": site.port, "site_host": "[::1]"}
    path = write_nginx_files(tmp_path, **ports, media=site.folder / "var" / "media", user=user)
    proxy = subprocess.Popen([nginx, "-c", str(path)], stderr=subprocess.DEVNULL)
    url = f"https://127.0.0.1:{https_port}/models-site"
    try:
        browser = requests.Session()
        browser.trust_env = False  # REQUESTS_CA_BUNDLE would override the next line
        browser.verify = str(tmp_path / "site.pem")
        wait_until_ready(url, {"verify": browser.verify, "timeout": 20})
        sign_in(browser, url)
        image = (SAMPLES / "seven.png").read_bytes()
        created = browser.post(
            url + PREDICTIONS_PATH,
            files={"image": image},
            headers={"X-CSRFToken": browser.cookies["mlsite_csrftoken"], **REFERER},
        ).json()
        check_image(browser, site, url + urlsplit(created["input"]["image_url"]).path.removeprefix("/models-site"), image)
        visited = crawl(browser, url)
        assert len(visited) > 60
        assert {name for name in ("/admin/", "/history/", "/static/", "/api/docs/") if any(name in page for page in visited)}
        assert browser.get(f"{url}/metrics").status_code == 403
        assert (
            requests.get(f"https://127.0.0.1:{https_port}/stored-images/", verify=browser.verify, timeout=5).status_code
            == 404
        )
        assert requests.get(
            f"http://[::1]:{http_port}/", headers={"Host": "127.0.0.1"}, allow_redirects=False, timeout=5
        ).is_permanent_redirect
    finally:
        proxy.terminate()
        proxy.wait()


def sign_in(browser, url):
    page = browser.get(f"{url}/accounts/login/")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)[1]
    fields = {"username": "demo", "password": PASSWORD, "csrfmiddlewaretoken": token}
    response = browser.post(f"{url}/accounts/login/", data=fields, headers=REFERER)
    assert response.url == f"{url}/"
    assert {cookie.path for cookie in browser.cookies} == {"/models-site/", "/models-site/accounts/"}


def check_image(browser, site, address, image):
    """Compare the image that nginx sends with the response of mlsite itself, without X_ACCEL_LOCATION."""
    sent = browser.get(address)
    assert sent.content == image
    authorized = requests.get(
        site.url + urlsplit(address).path.removeprefix("/models-site"),
        headers={**build_auth_header(site.create_token()), "X-Forwarded-Proto": "https", "Host": "127.0.0.1"},
        timeout=20,
    )
    assert authorized.headers["X-Accel-Redirect"].startswith("/stored-images/inputs/")
    names = {"Content-Type", "Cache-Control", "Content-Disposition", "Content-Security-Policy", "X-Content-Type-Options"}
    names |= {"Strict-Transport-Security", "Referrer-Policy", "X-Frame-Options", "Cross-Origin-Opener-Policy"}
    assert {name: sent.headers.get(name) for name in names} == {name: authorized.headers.get(name) for name in names}
    assert sent.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in sent.headers["Content-Security-Policy"]
    part = browser.get(address, headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, image[:4])


def crawl(browser, url, limit=80):
    """Get all pages and files that the pages below a URL link to. Return their URLs. Each must exist."""
    start = urlsplit(url)
    waiting, visited = [f"{start.path}/"], set()
    while waiting and len(visited) < limit:
        path = waiting.pop(0)
        visited.add(path)
        response = browser.get(f"{start.scheme}://{start.netloc}{path}", timeout=20)
        assert response.status_code == 200, f"{path}: {response.status_code}"
        if not response.headers["Content-Type"].startswith("text/html"):
            continue
        for tag, link in find_paths(response.text):
            assert link.startswith(f"{start.path}/"), f"{path}: {tag} {link}"
            target = link.partition("#")[0]
            is_read = tag in LINKS and "logout" not in target and target.partition("?")[0] == target
            if is_read and target not in visited and target not in waiting:
                waiting.append(target)
    return visited


def wait_until_ready(url, options):
    deadline = time.monotonic() + 120
    while _get_status(f"{url}/readyz", options) != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


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
