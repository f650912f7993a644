import pytest
from django.test import RequestFactory

from accounts.requests import get_client_address


@pytest.mark.parametrize(
    ("proxies", "header", "expected"),
    [
        (0, "6.6.6.6", "10.0.0.1"),
        (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (2, "6.6.6.6, 1.2.3.4, 10.1.1.1", "1.2.3.4"),
        (2, "1.2.3.4", "10.0.0.1"),
        (1, "", "10.0.0.1"),
        (1, "unknown", "10.0.0.1"),
        (1, "x" * 5000, "10.0.0.1"),
        (1, "::ffff:1.2.3.4", "::ffff:1.2.3.4"),
    ],
)
def test_the_client_address_trusts_only_configured_proxies(settings, proxies, header, expected):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", headers={"x-forwarded-for": header})
    assert get_client_address(request) == expected
