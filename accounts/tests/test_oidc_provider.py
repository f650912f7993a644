"""Sign-in with a real OpenID Connect provider: oidc-provider, which runs in Node.js."""

import re
import shutil
import socket
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from django.contrib.auth import SESSION_KEY
from django.test import Client

from accounts import oidc
from accounts.models import AuditEntry, ExternalIdentity, User
from accounts.services import create_token
from core.tests.requirements import require
from core.tests.waiting import wait_until

pytestmark = [pytest.mark.services, pytest.mark.django_db, pytest.mark.xdist_group("oidc")]
FOLDER = Path(__file__).parent / "oidc_provider"
SITE = "http://testserver"
ADA = {"preferred_username": "ada", "email": "ada@example.org", "email_verified": True, "groups": ["ml-reviewers"]}
START = "/accounts/oidc/login/"


class Provider:
    """A running provider. The users are known by their subject."""

    def __init__(self, url):
        self.url = url

    def control(self, fault="", **users):
        httpx.post(f"{self.url}/control", json={"users": users, "fault": fault}).raise_for_status()

    def authorize(self, url, subject):
        """Sign in at the provider as a browser does, and return the URL to which it redirects."""
        with httpx.Client(base_url=self.url) as browser:
            response = browser.get(url)
            for _ in range(10):
                while response.is_redirect:
                    location = str(response.next_request.url)
                    if location.startswith(SITE):
                        return location.removeprefix(SITE)
                    response = browser.get(location)
                prompt = re.search(r'name="prompt" value="(\w+)"', response.text)[1]
                response = browser.post(str(response.url), data={"prompt": prompt, "login": subject, "password": "x"})
        raise AssertionError(response.text)


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    require("npm", shutil.which("npm"))
    folder = tmp_path_factory.mktemp("provider")
    shutil.copytree(FOLDER, folder, dirs_exist_ok=True)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    installed = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    require(f"oidc-provider ({installed.stderr[-300:]})", installed.returncode == 0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["node", "provider.js", str(port), f"{SITE}/accounts/oidc/callback/", f"{SITE}/accounts/login/"]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(arguments, cwd=folder, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"

    def is_ready():
        assert process.poll() is None, (folder / "log").read_text()
        try:
            return httpx.get(f"{url}/.well-known/openid-configuration").is_success
        except httpx.TransportError:
            return False

    wait_until(is_ready, 30)
    yield Provider(url)
    process.kill()
    process.wait()


@pytest.fixture
def site(provider, settings, client):
    """Let the site use the provider."""
    settings.ROOT_URLCONF = "accounts.tests.oidc_urls"
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = provider.url, "mlsite"
    settings.OIDC_CLIENT_SECRET = "a secret of at least 32 bytes, really"
    settings.OIDC_SCOPES, settings.OIDC_NAME = "openid profile email groups", "Example Login"
    settings.OIDC_REVIEWER_GROUPS = ["ml-reviewers"]
    provider.control(ada=ADA)
    oidc._build_client.cache_clear()
    yield client
    oidc._build_client.cache_clear()


def begin(client, next_url="/models/"):
    response = client.get(START, {"next": next_url})
    assert response.status_code == 302
    return response["Location"]


def sign_in(client, provider, subject="ada", next_url="/models/"):
    return client.get(provider.authorize(begin(client, next_url), subject))


def get_user(client):
    return User.objects.filter(pk=client.session.get(SESSION_KEY)).first()


def get_text(response):
    return " ".join(response.content.decode().split())


def test_a_user_signs_in_and_out(site, provider):
    page = site.get("/accounts/login/?next=/models/")
    assert f'href="{START}?next=%2Fmodels%2F"' in page.content.decode()
    assert "Sign in with Example Login" in get_text(page)
    response = sign_in(site, provider)
    assert (response.status_code, response["Location"]) == (302, "/models/")
    user = get_user(site)
    assert (user.username, user.email, user.has_usable_password()) == ("ada", "ada@example.org", False)
    assert ExternalIdentity.objects.get(user=user).subject == "ada"
    assert AuditEntry.objects.filter(action="sign-in", actor=user).count() == 1
    response = site.post("/accounts/logout/", follow=True)
    assert get_user(site) is None
    link = re.search(r'href="([^"]+/session/end[^"]+)"', response.content.decode())[1].replace("&amp;", "&")
    assert httpx.get(link).is_success
    assert parse_qs(urlsplit(link).query)["post_logout_redirect_uri"] == [f"{SITE}/accounts/login/"]
    assert sign_in(site, provider).status_code == 302
    assert get_user(site) == user  # not a second account


def test_the_request_has_pkce_state_and_nonce(site):
    url = begin(site)
    query = parse_qs(urlsplit(url).query)
    assert query["code_challenge_method"] == ["S256"]
    assert len({query[name][0] for name in ("code_challenge", "state", "nonce")}) == 3
    assert query["redirect_uri"] == [f"{SITE}/accounts/oidc/callback/"]
    cookie = site.cookies["oidc"]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/accounts/oidc/")
    assert not site.cookies.get("sessionid")


def test_groups_are_added_and_removed_with_each_sign_in(site, provider):
    for groups, is_reviewer in ((["ml-reviewers", "x"], True), ([], False), ("ml-reviewers", True), (None, False)):
        provider.control(ada={**ADA, "groups": groups})
        sign_in(site, provider)
        user = get_user(site)
        assert (user.is_reviewer, user.is_staff, user.is_superuser) == (is_reviewer, is_reviewer, False), groups
        site.logout()


@pytest.mark.parametrize(
    "fault",
    ["wrong-nonce", "no-nonce", "expired", "wrong-issuer", "wrong-audience", "unknown-key", "forged-key", "unsigned",
     "shared-secret", "other-subject"],
)  # fmt: skip
def test_an_invalid_token_is_rejected(site, provider, fault):
    sign_in(site, provider)
    site.logout()
    provider.control(fault=fault, ada=ADA)
    response = sign_in(site, provider)
    assert response.status_code == 502
    assert "The response of Example Login is not valid." in get_text(response)
    assert get_user(site) is None
    entry = AuditEntry.objects.filter(action="sign-in-failed").get()
    assert entry.details == {"provider": "Example Login", "code": "invalid-token"}


def test_a_new_key_of_the_provider_is_loaded(site, provider):
    sign_in(site, provider)
    site.logout()
    provider.control(fault="rotated-key", ada=ADA)
    assert sign_in(site, provider).status_code == 302
    assert get_user(site)


def test_a_response_belongs_to_the_browser_and_is_used_once(site, provider):
    callback = provider.authorize(begin(site), "ada")
    assert Client().get(callback).status_code == 400
    begin(other := Client())
    response = other.get(callback)
    assert response.status_code == 400
    assert "has expired or was started in another tab" in get_text(response)
    assert get_user(other) is None
    assert site.get(re.sub(r"state=[^&]+", "state=x", callback)).status_code == 400  # this ends the attempt
    assert site.get(callback).status_code == 400
    callback = provider.authorize(begin(site), "ada")
    assert site.get(callback).status_code == 302
    site.logout()
    assert site.get(callback).status_code == 400


def test_a_code_is_bound_to_the_attempt(site, provider):
    """The code of another attempt has another PKCE challenge."""
    stolen = parse_qs(urlsplit(provider.authorize(begin(Client()), "ada")).query)["code"][0]
    state = parse_qs(urlsplit(begin(site)).query)["state"][0]
    response = site.get("/accounts/oidc/callback/", {"code": stolen, "state": state})
    assert response.status_code == 502
    assert get_user(site) is None


def test_a_canceled_sign_in_and_an_unavailable_provider_are_described(site, provider, settings):
    state = parse_qs(urlsplit(begin(site)).query)["state"][0]
    response = site.get("/accounts/oidc/callback/", {"error": "access_denied", "state": state})
    assert response.status_code == 403
    assert "Example Login has canceled the sign-in." in get_text(response)
    settings.OIDC_ISSUER = "http://127.0.0.1:1"
    oidc._build_client.cache_clear()
    response = site.get(START)
    assert response.status_code == 503
    assert "Example Login does not respond." in get_text(response)


def test_an_inactive_user_cannot_sign_in(site, provider):
    sign_in(site, provider)
    user = get_user(site)
    site.logout()
    User.objects.filter(pk=user.pk).update(is_active=False)
    user.groups.clear()
    response = sign_in(site, provider)
    assert response.status_code == 403
    assert "The account ada is not active." in get_text(response)
    assert get_user(site) is None
    assert not user.groups.exists()


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example/", "javascript:alert(1)", ""])
def test_the_next_page_is_on_this_site(site, provider, target):
    assert sign_in(site, provider, next_url=target)["Location"] == "/"


def test_tokens_work_without_a_session(site, provider):
    sign_in(site, provider)
    _token, secret = create_token(user=get_user(site), name="script")
    response = Client().get("/api/v1/predictions/", headers={"authorization": f"Bearer {secret}"})
    assert response.status_code == 200
