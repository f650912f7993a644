import pytest

from core.urls import get_site_url


@pytest.mark.parametrize(
    ("options", "url"),
    [
        ({}, "http://testserver"),
        ({"secure": True}, "https://testserver"),
        ({"headers": {"host": "example.org:8000"}}, "http://example.org:8000"),
    ],
)
def test_the_site_url_has_the_scheme_and_host_of_the_request_and_no_trailing_slash(rf, settings, options, url):
    settings.ALLOWED_HOSTS = ["testserver", "example.org"]
    assert get_site_url(rf.get("/models/iris/?version=1", **options)) == url
