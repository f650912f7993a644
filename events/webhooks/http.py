"""An HTTP client for addresses that users choose: no redirects, no proxies, and a deadline for the whole request."""

from __future__ import annotations

import io
import socket
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse
from time import monotonic
from typing import cast

from events.error_messages import ErrorMessage, build_error
from events.webhooks.addresses import (
    AddressRefused,
    HostNotFound,
    NoResponse,
    ResolvedAddress,
    Target,
    parse_url,
    resolve_target,
)

CONNECT_SECONDS = 5.0  # for the name and the connection, without TLS
MAX_RESPONSE_BYTES = 64 * 2**10  # of the body
MAX_RECEIVED_BYTES = 2 * MAX_RESPONSE_BYTES  # with the headers


class RequestFailed(NoResponse):
    """There is no response: the host, the connection, the certificate, or the response is at fault, or time ran out."""


@dataclass(frozen=True, slots=True)
class Response:
    """The status, and the beginning of the body. The body is incomplete if it is long, or if the connection broke."""

    status: int
    body: bytes
    retry_after: str
    seconds: float


class DeadlineReader(io.RawIOBase):
    """Read a limited number of bytes from a socket until a deadline. Its own timeout would start anew with each byte."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        super().__init__()
        self._socket, self._deadline, self._left = connected, deadline, MAX_RECEIVED_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if not self._left:
            return 0
        set_timeout(self._socket, self._deadline)
        count = self._socket.recv_into(buffer, min(len(buffer), self._left))
        self._left -= count
        return count


class DeadlineSocket:
    """The part of a socket that `http.client` uses, with a deadline. The caller closes the real socket."""

    def __init__(self, connected: socket.socket, deadline: float) -> None:
        self._socket, self._deadline = connected, deadline

    def sendall(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            set_timeout(self._socket, self._deadline)
            view = view[self._socket.send(view) :]

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(DeadlineReader(self._socket, self._deadline))

    def close(self) -> None:
        """Do nothing: `http.client` closes the socket while the response is still to be read."""


def post(url: str, *, body: bytes, headers: Mapping[str, str], seconds: float) -> Response:
    """Send a POST request to a checked address of a host, and return the response, whatever its status is.

    Redirects are not followed, environment variables with proxies are ignored, and at most `MAX_RESPONSE_BYTES` of the body
    are read.

    Args:
        seconds: limits the whole request, from resolving the name to the end of the response.

    Raises:
        InvalidURL: the URL is not allowed.
        AddressRefused: the host has an address that is not public.
        RequestFailed: there is no response.
    """
    started = monotonic()
    target, deadline = parse_url(url), started + seconds
    try:
        with connect(target, deadline) as connected:
            response = request(target, connected, deadline, body, headers)
            content = read_body(response)
    except AddressRefused:
        raise
    except HostNotFound as error:
        raise RequestFailed(error.message) from error
    except (OSError, HTTPException) as error:
        raise RequestFailed(describe_error(error, seconds)) from error
    return Response(response.status, content, response.headers.get("retry-after", ""), monotonic() - started)


def connect(target: Target, deadline: float) -> socket.socket:
    """Connect to one of the checked addresses of the host, and check its certificate if the scheme is HTTPS."""
    connect_deadline = min(deadline, monotonic() + CONNECT_SECONDS)
    addresses = resolve_target(target, seconds=connect_deadline - monotonic())
    connected = connect_to_first(addresses, connect_deadline)
    if target.scheme == "http":
        return connected
    try:
        set_timeout(connected, deadline)
        return get_tls_context().wrap_socket(connected, server_hostname=target.host)
    except BaseException:
        connected.close()
        raise


@cache
def get_tls_context() -> ssl.SSLContext:
    """Return a context with the certificates of the system. Loading them takes 27 ms of CPU, so it is done once."""
    return ssl.create_default_context()


def connect_to_first(addresses: list[ResolvedAddress], deadline: float) -> socket.socket:
    """Return a connection to the first address that accepts one.

    Raises:
        OSError: none does. It is the error of the last address.
    """
    failure: OSError = TimeoutError()
    for entry in addresses:
        candidate = socket.socket(entry.family, socket.SOCK_STREAM)
        try:
            set_timeout(candidate, deadline)
            candidate.connect(entry.address)
        except OSError as error:
            candidate.close()
            failure = error
        else:
            return candidate
    raise failure


def request(
    target: Target, connected: socket.socket, deadline: float, body: bytes, headers: Mapping[str, str]
) -> HTTPResponse:
    """Send the request on a connection, and read the headers of the response."""
    connection = HTTPConnection(target.host, target.port)
    connection.sock = cast(socket.socket, DeadlineSocket(connected, deadline))
    connection.request("POST", target.path, body, {"Host": target.authority, "Connection": "close", **headers})
    return connection.getresponse()


def read_body(response: HTTPResponse) -> bytes:
    """Return the beginning of the body. What arrives in time is enough: the status is known already."""
    chunks = []
    with suppress(OSError, HTTPException):
        left = MAX_RESPONSE_BYTES
        while left and (chunk := response.read1(left)):
            chunks.append(chunk)
            left -= len(chunk)
    return b"".join(chunks)


def set_timeout(connected: socket.socket, deadline: float) -> None:
    """Limit the next call of a socket to the time that is left.

    Raises:
        TimeoutError: no time is left.
    """
    left = deadline - monotonic()
    if left <= 0:
        raise TimeoutError
    connected.settimeout(left)


def describe_error(error: OSError | HTTPException, seconds: float) -> ErrorMessage:
    """Return a sentence about an error of the connection, for the owner of the webhook."""
    if isinstance(error, TimeoutError):
        return build_error("no-response", seconds=f"{seconds:g}")
    if isinstance(error, ssl.SSLCertVerificationError):
        return build_error("certificate", reason=error.verify_message)
    if isinstance(error, ssl.SSLError):
        return build_error("tls", reason=str(error.reason or error))
    if isinstance(error, HTTPException):
        return build_error("invalid-http", reason=type(error).__name__)
    return build_error("connection", reason=error.strerror or type(error).__name__)
