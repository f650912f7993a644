"""Requests of webhooks over real connections: certificates, redirects, changing names, and slow or hostile servers."""

import itertools
import socket
import ssl
import subprocess
import time

import pytest

from events.tests.receiver import run_raw_server, run_receiver
from events.webhooks.addresses import AddressRefused, InvalidURL
from events.webhooks.http import MAX_RESPONSE_BYTES, RequestFailed, get_tls_context, post

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("allow_local_receivers")]
HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def resolve(monkeypatch):
    """Return a function that sets the addresses of all names, one per lookup, and returns the list of lookups."""

    def set_addresses(*hosts: str) -> list[str]:
        lookups: list[str] = []

        def look_up(host: str, port: int, **_options: object):
            lookups.append(host)
            address = hosts[min(len(lookups), len(hosts)) - 1]
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        return lookups

    return set_addresses


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Return the files of a certificate for hooks.example.org and of its key."""
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    names = ["-subj", "/CN=hooks.example.org", "-addext", "subjectAltName=DNS:hooks.example.org"]
    output = ["-out", str(files[0]), "-keyout", str(files[1])]
    subprocess.run([*command, *names, *output], check=True, capture_output=True)
    return files


def send(url: str, seconds: float = 5.0):
    return post(url, body=b'{"id": 1}', headers={"Content-Type": "application/json", "webhook-id": "x"}, seconds=seconds)


def test_the_body_and_headers_arrive_and_the_response_is_returned():
    with run_receiver() as receiver:
        receiver.respond = lambda _request: (429, b"slow down", {"retry-after": "7"})
        response = send(f"{receiver.url}/hook?a=b")
    (request,) = receiver.requests
    assert (request.path, request.body, request.headers["webhook-id"]) == ("/hook?a=b", b'{"id": 1}', "x")
    assert request.headers["host"] == receiver.url.removeprefix("http://")
    assert (response.status, response.body, response.retry_after) == (429, b"slow down", "7")


def test_private_addresses_are_refused_without_a_connection(settings):
    settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = False
    with run_receiver() as receiver, pytest.raises(AddressRefused):
        send(receiver.url)
    assert receiver.requests == []


def test_http_is_refused_by_default(settings):
    settings.WEBHOOK_ALLOW_HTTP = False
    with run_receiver() as receiver, pytest.raises(InvalidURL, match="https-required"):
        send(receiver.url)
    assert receiver.requests == []


def test_the_connection_uses_the_address_that_was_checked(resolve):
    """A name whose address changes between the check and the connection has no second chance."""
    with run_receiver(host="127.0.0.2") as first, run_receiver(host="127.0.0.3", port=int(first.url[-5:])) as second:
        port = first.url.rpartition(":")[2]
        lookups = resolve("127.0.0.2", "127.0.0.3")
        send(f"http://hooks.example.org:{port}/")
    assert lookups == ["hooks.example.org"]
    assert (len(first.requests), len(second.requests)) == (1, 0)
    assert first.requests[0].headers["host"] == f"hooks.example.org:{port}"


def test_redirects_are_not_followed():
    with run_receiver() as internal, run_receiver() as receiver:
        receiver.respond = lambda _request: (307, b"", {"location": f"{internal.url}/admin"})
        assert send(receiver.url).status == 307
    assert internal.requests == []


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    with run_receiver() as proxy, run_receiver() as receiver:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        send(receiver.url)
    assert (len(proxy.requests), len(receiver.requests)) == (0, 1)


def serve_tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return run_receiver(context=context)


def test_https_checks_the_certificate_for_the_name_of_the_url(certificate, resolve, monkeypatch):
    with serve_tls(certificate) as receiver:
        port = receiver.url.rpartition(":")[2]
        resolve("127.0.0.1")
        with pytest.raises(RequestFailed, match="certificate is not valid: self-signed"):
            send(f"https://hooks.example.org:{port}/")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
        get_tls_context.cache_clear()
        assert send(f"https://hooks.example.org:{port}/").status == 204
        with pytest.raises(RequestFailed, match="certificate is not valid: Hostname mismatch"):
            send(f"https://other.example.org:{port}/")
        get_tls_context.cache_clear()
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "chunks",
    [
        pytest.param(lambda: itertools.chain([HEAD + b"X: "], itertools.repeat(b"x")), id="headers"),
        pytest.param(lambda: itertools.repeat(b""), id="silent"),
        pytest.param(lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n"), id="continue"),
    ],
)
def test_slow_servers_are_left_at_the_deadline(chunks):
    with run_raw_server(chunks, pause=0.05) as url:
        started = time.monotonic()
        with pytest.raises(RequestFailed, match=r"no response within 0\.5 seconds"):
            send(url, seconds=0.5)
        assert time.monotonic() - started < 1.5


def test_a_slow_body_is_left_at_the_deadline_and_the_status_counts():
    with run_raw_server(lambda: itertools.chain([HEAD + b"\r\n"], itertools.repeat(b"x")), pause=0.05) as url:
        response = send(url, seconds=0.5)
    assert response.status == 200
    assert 0 < len(response.body) < 20
    assert response.seconds < 1.5


def test_a_slow_tls_handshake_is_left_at_the_deadline():
    with run_raw_server(lambda: itertools.repeat(b""), pause=0.05) as url:
        started = time.monotonic()
        with pytest.raises(RequestFailed, match="no response within"):
            send(url.replace("http:", "https:"), seconds=0.5)
        assert time.monotonic() - started < 1.5


def test_a_server_that_does_not_read_is_left_at_the_deadline():
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(RequestFailed, match="no response within"):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        post(url, body=b"x" * 50_000_000, headers={}, seconds=0.5)


def test_only_the_beginning_of_a_long_response_is_read():
    with run_raw_server(lambda: itertools.chain([HEAD + b"\r\n"], itertools.repeat(b"x" * 4096, 1000))) as url:
        assert len(send(url).body) == MAX_RESPONSE_BYTES


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff",
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\n",
        HEAD + b"X: " + b"x" * 100_000,
        HEAD + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    ],
)
def test_responses_that_are_not_http_are_errors(data):
    with run_raw_server(lambda: iter([data])) as url, pytest.raises(RequestFailed):
        send(url)


@pytest.mark.parametrize(
    "data",
    [
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nffffffffff\r\nabc",
        HEAD + b"Content-Length: 1000\r\n\r\nabc",
        HEAD + b"Content-Length: -5\r\n\r\nabc",
        HEAD + b"Content-Length: x\r\n\r\n",
    ],
)
def test_an_invalid_body_does_not_change_the_status(data):
    with run_raw_server(lambda: iter([data])) as url:
        assert send(url).status == 200


def test_connection_errors_are_described():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(RequestFailed, match="Connection refused"):
        send(f"http://127.0.0.1:{port}/")
