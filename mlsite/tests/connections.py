"""Count the connections of worker processes, as Linux reports them."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from mlsite.tests.site import Site

ESTABLISHED = "01"
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n%s\r\n"


@contextmanager
def open_connections(site: Site, count: int, header: bytes = b"") -> Iterator[list[socket.socket]]:
    """Open connections to a site, send a request on each, and read the responses."""
    with ExitStack() as stack:
        connections = []
        for _ in range(count):
            connection = stack.enter_context(closing(socket.create_connection(("127.0.0.1", site.port), timeout=20)))
            connection.sendall(REQUEST % header)
            connections.append(connection)
        for connection in connections:
            assert connection.recv(4096).startswith(b"HTTP/1.1 200")
        yield connections


def count_connections(site: Site) -> list[int]:
    """Return the number of open connections of each worker process, in ascending order."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    port = f":{site.port:04X}"
    sockets = {f"socket:[{row[9]}]" for row in rows if row[1].endswith(port) and row[3] == ESTABLISHED}
    return sorted(len(sockets & _list_open_files(pid)) for pid in site.list_workers())


def _list_open_files(pid: int) -> set[str]:
    names = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            names.add(os.readlink(entry))
        except FileNotFoundError:  # closed meanwhile
            continue
    return names
