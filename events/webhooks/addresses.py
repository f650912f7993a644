"""Addresses that webhooks can have. Users choose them, so requests must not reach the internal network of the site."""

from __future__ import annotations

import socket
import threading
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from core.validators import is_storable
from events.error_messages import ErrorMessage, build_error

MAX_URL_CHARACTERS = 500
DEFAULT_PORTS = {"https": 443, "http": 80}
SAFE_TARGET_CHARACTERS = "/?:@!$&'()*+,;=%~[]"
PUBLIC_IPV6 = ip_network("2000::/3")  # the only part that is assigned to public hosts
NAT64 = ip_network("64:ff9b::/96")  # the last 32 bits are an IPv4 address
# Networks that `is_global` of some Python versions allows: tunnels into other networks, and documentation.
REFUSED_NETWORKS = [ip_network(text) for text in ("192.0.0.0/24", "192.88.99.0/24", "2002::/16", "3fff::/20")]
# Where Alibaba Cloud, Azure, and AWS offer the credentials of the machine. That of Azure is in a public network.
METADATA_ADDRESSES = frozenset(ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "fd00:ec2::254"))


class InvalidURL(ValueError):
    """The URL cannot be the address of a webhook. The message is a code of `events.validators.URL_MESSAGES`."""


class NoResponse(Exception):
    """A request has no response. The message is for the owner of the webhook."""

    def __init__(self, message: ErrorMessage) -> None:
        super().__init__(message)
        self.message = message


class AddressRefused(NoResponse):
    """The host has an address that webhooks must not use."""


class HostNotFound(NoResponse):
    """The name of the host has no address, or was not resolved in time."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed URL: where to connect, and what to request there."""

    scheme: str
    host: str  # ASCII
    port: int
    path: str  # with the query string, percent-encoded

    @property
    def authority(self) -> str:
        """Return the value of the `Host` header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ResolvedAddress:
    """An address of a host, in the form that `socket.connect` takes."""

    family: int
    address: tuple[Any, ...]


def parse_url(url: str) -> Target:
    """Parse the URL of a webhook. Names of hosts are not resolved.

    Raises:
        InvalidURL: it is not an absolute URL with an allowed scheme, or contains credentials or a fragment.
    """
    if len(url) > MAX_URL_CHARACTERS:
        raise InvalidURL("too-long")
    # Parsers disagree about backslashes and spaces, so that one could check another host than the request uses.
    if not is_storable(url) or "\\" in url or any(character <= " " or character == "\x7f" for character in url):
        raise InvalidURL("invalid")
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError as error:  # of UnicodeError too
        raise InvalidURL("invalid") from error
    if parts.scheme not in DEFAULT_PORTS or not host or port == 0:
        raise InvalidURL("invalid")
    if parts.scheme == "http" and not settings.WEBHOOK_ALLOW_HTTP:
        raise InvalidURL("https-required")
    if parts.username is not None or parts.password is not None:
        raise InvalidURL("credentials")
    if parts.fragment:
        raise InvalidURL("fragment")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], quote(path, safe=SAFE_TARGET_CHARACTERS))


def resolve_target(target: Target, *, seconds: float) -> list[ResolvedAddress]:
    """Return the addresses of a host, after checking each. Connect to one of them: another lookup could return others.

    Raises:
        HostNotFound: the name has no address, or was not resolved in time.
        AddressRefused: an address is not allowed.
    """
    found = _look_up(target.host, target.port, seconds)
    for entry in found:
        if not is_allowed(ip_address(str(entry.address[0]))):
            # The message is shown to the user. With the address, it would list names of the internal network.
            raise AddressRefused(build_error("address-refused", host=target.host))
    return found


def is_allowed(address: IPv4Address | IPv6Address) -> bool:
    """Return whether webhooks can use an address.

    With `WEBHOOK_ALLOW_PRIVATE_ADDRESSES`, private and loopback addresses are allowed. Link-local ones and
    `METADATA_ADDRESSES` never are: clouds offer the credentials of the machine there.
    """
    embedded = find_embedded_ipv4(address)
    if embedded is not None:
        return is_allowed(embedded)
    if address in METADATA_ADDRESSES:
        return False
    if settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES:
        return not (address.is_link_local or address.is_multicast or address.is_unspecified)
    return is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is of a public host."""
    if isinstance(address, IPv6Address) and address not in PUBLIC_IPV6:
        return False
    return address.is_global and not address.is_multicast and not any(address in network for network in REFUSED_NETWORKS)


def find_embedded_ipv4(address: IPv4Address | IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address to which packets for an IPv6 address go, or None."""
    if isinstance(address, IPv4Address):
        return None
    return IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else address.ipv4_mapped


def _look_up(host: str, port: int, seconds: float) -> list[ResolvedAddress]:
    """Resolve a name in a thread, because `getaddrinfo` has no deadline of its own."""
    results: SimpleQueue[list[ResolvedAddress] | OSError | UnicodeError] = SimpleQueue()

    def run() -> None:
        try:
            entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            results.put([ResolvedAddress(family, address) for family, _kind, _protocol, _name, address in entries])
        except (OSError, UnicodeError) as error:
            results.put(error)

    threading.Thread(target=run, name="resolve-webhook", daemon=True).start()
    try:
        found = results.get(timeout=max(0.0, seconds))
    except Empty as error:
        raise HostNotFound(build_error("host-timeout", host=host)) from error
    if isinstance(found, Exception) or not found:
        raise HostNotFound(build_error("host-not-found", host=host))
    return found
