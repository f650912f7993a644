import pytest

from accounts.checks import check_reset_links, check_site_url
from core.urls import find_public_url

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("site_url", "is_valid"),
    [
        ("", True),
        ("https://mlsite.example.org", True),
        ("http://localhost:8080", True),
        ("mlsite.example.org", False),
        ("https://mlsite.example.org/path", False),
        ("ftp://mlsite.example.org", False),
    ],
)
def test_the_site_url_is_scheme_and_host(settings, site_url, is_valid):
    settings.SITE_URL = site_url
    assert [message.id for message in check_site_url()] == ([] if is_valid else ["accounts.E001"])


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (["127.0.0.1", "localhost", "[::1]"], "http://127.0.0.1:8000"),
        (["mlsite.example.org"], "http://mlsite.example.org"),
        (["a.example", "b.example"], None),
        (["*"], None),
        ([".example.org"], None),
    ],
)
def test_the_public_url_depends_on_settings_only(settings, hosts, expected):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "", hosts
    assert find_public_url() == expected


def test_the_deployment_check_warns_about_links_that_nobody_gets_or_everyone_can_read(settings):
    settings.HTTPS, settings.EMAIL_BACKEND = True, "django.core.mail.backends.console.EmailBackend"
    settings.SITE_URL = "http://mlsite.example.org"
    assert [message.id for message in check_reset_links()] == ["accounts.W002", "accounts.W003"]
    settings.SITE_URL, settings.EMAIL_BACKEND = "", "django.core.mail.backends.smtp.EmailBackend"
    settings.ALLOWED_HOSTS = ["a.example", "b.example"]
    assert [message.id for message in check_reset_links()] == ["accounts.W001"]
