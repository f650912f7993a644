"""URLs and addresses that webhooks can have."""

import socket
import threading
import time
from ipaddress import ip_address

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from events.checks import check_webhook_addresses
from events.validators import validate_webhook_url
from events.webhooks import addresses
from events.webhooks.addresses import AddressRefused, HostNotFound, InvalidURL, Target, is_allowed, parse_url, resolve_target

pytestmark = pytest.mark.once
PRIVATE = [
    "127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "192.0.0.8", "198.18.0.1",
    "240.0.0.1", "255.255.255.255", "192.88.99.1", "203.0.113.9",
    "::1", "fc00::1", "fec0::1", "64:ff9b:1::1", "2002:7f00:1::", "2002:0808:0808::", "2001::1", "2001:db8::1", "3fff::1",
    "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "100::1", "4000::1",
]  # fmt: skip
NEVER_ALLOWED = [
    "169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "fe80::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::",
    "100.100.100.200", "168.63.129.16", "::ffff:168.63.129.16", "fd00:ec2::254",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER_ALLOWED])
def test_addresses_of_internal_networks_are_refused(address):
    assert not is_allowed(ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address):
    assert is_allowed(ip_address(address))


def test_a_setting_allows_private_addresses_but_not_those_with_credentials_of_the_machine(settings):
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
    assert is_allowed(ip_address("127.0.0.1"))
    assert is_allowed(ip_address("10.1.2.3"))
    assert is_allowed(ip_address("::1"))
    assert [address for address in NEVER_ALLOWED if is_allowed(ip_address(address))] == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "localhost", "0"],
)
def test_other_forms_of_loopback_addresses_are_refused(host):
    with pytest.raises((AddressRefused, HostNotFound)):
        resolve_target(parse_url(f"https://{host}/"), seconds=5)


def test_one_private_address_among_public_ones_is_refused(monkeypatch):
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: entries)
    with pytest.raises(AddressRefused) as error:
        resolve_target(parse_url("https://hooks.example.org/"), seconds=5)
    assert str(error.value) == "hooks.example.org has an address that is not public."


def test_a_slow_name_server_does_not_hold_the_caller(monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(addresses.socket, "getaddrinfo", lambda *_arguments, **_options: released.wait(5) and [])
    started = time.monotonic()
    with pytest.raises(HostNotFound, match="in time"):
        resolve_target(parse_url("https://hooks.example.org/"), seconds=0.1)
    assert time.monotonic() - started < 2
    released.set()


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("", "invalid"),
        ("hooks.example.org", "invalid"),
        ("ftp://example.org/", "invalid"),
        ("file:///etc/passwd", "invalid"),
        ("javascript:alert(1)", "invalid"),
        ("https://", "invalid"),
        ("https://:443/", "invalid"),
        ("https://example.org:0/", "invalid"),
        ("https://example.org:99999/", "invalid"),
        ("https://example.org:x/", "invalid"),
        ("https://[::1/", "invalid"),
        ("https://exa mple.org/", "invalid"),
        ("https://example.org/\r\nHost: evil", "invalid"),
        ("https://example.org\\@127.0.0.1/", "invalid"),
        ("https://example.org/\0", "invalid"),
        ("https://example.org/\ud800", "invalid"),
        ("https://" + "a" * 70 + ".org/", "invalid"),
        ("https://a..b/", "invalid"),
        ("http://example.org/", "https-required"),
        ("https://user:password@example.org/", "credentials"),
        ("https://@example.org/", "credentials"),
        ("https://example.org/#x", "fragment"),
        ("https://example.org/" + "a" * 500, "too-long"),
    ],
)
def test_other_urls_are_rejected(url, code):
    with pytest.raises(InvalidURL, match=code):
        parse_url(url)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.org/" + "a" * 500, "Die URL ist zu lang. Das Limit sind 500 Zeichen."),
        ("https://example.org/#x", "Entfernen Sie"),
    ],
)
def test_errors_are_in_the_language_of_the_user(url, message):
    with translation.override("de"), pytest.raises(ValidationError, match=message):
        validate_webhook_url(url)


@pytest.mark.parametrize(
    ("url", "target", "authority"),
    [
        ("https://example.org", Target("https", "example.org", 443, "/"), "example.org"),
        ("HTTPS://Example.ORG:443/a?b=c", Target("https", "example.org", 443, "/a?b=c"), "example.org"),
        ("https://example.org:8443/ü?q=%20", Target("https", "example.org", 8443, "/%C3%BC?q=%20"), "example.org:8443"),
        ("https://bücher.example/", Target("https", "xn--bcher-kva.example", 443, "/"), "xn--bcher-kva.example"),
        ("https://[2606:4700::1]:8443/", Target("https", "2606:4700::1", 8443, "/"), "[2606:4700::1]:8443"),
    ],
)
def test_urls_are_parsed_once(url, target, authority):
    parsed = parse_url(url)
    assert (parsed, parsed.authority) == (target, authority)


def test_open_sign_up_and_private_addresses_are_reported(settings):
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = settings.ALLOW_SIGNUP = True
    assert [warning.id for warning in check_webhook_addresses()] == ["events.W001"]
    settings.ALLOW_SIGNUP = False
    assert check_webhook_addresses() == []


def test_a_setting_allows_http(settings):
    settings.WEBHOOK_ALLOW_HTTP = True
    assert parse_url("http://example.org").port == 80
