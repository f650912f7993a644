"""The connections of worker processes."""

import socket
import time

import pytest

from mlsite.tests.connections import count_connections, open_connections

pytestmark = [pytest.mark.site, pytest.mark.once, pytest.mark.xdist_group("site")]


def test_a_client_that_waits_for_100_continue_gets_it_at_once(site):
    head = b"POST /api/v1/predictions/ HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer unknown\r\n"
    head += b"Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as connection:
        started = time.monotonic()
        connection.sendall(head)
        assert connection.recv(99) == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert time.monotonic() - started < 0.15  # a corked connection (TCP_CORK) sends it after 0.2 s
        connection.sendall(b"{}")
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_connections_spread_evenly(site):
    deadline, counts = time.monotonic() + 60, [0]
    while 0 in counts and time.monotonic() < deadline:  # a worker gets no connection while it loads its models
        with open_connections(site, 4):
            counts = count_connections(site)
        time.sleep(0.1)
    spreads = []
    for _ in range(5):
        with open_connections(site, 17):
            spreads.append(count_connections(site))
        time.sleep(0.1)
    assert spreads == [[8, 9]] * 5


def test_clients_that_close_late_hold_up_nobody(site):
    with open_connections(site, 4, b"Connection: close\r\n"):  # read the responses, but close nothing
        started = time.monotonic()
        with open_connections(site, 8):
            assert time.monotonic() - started < 1
