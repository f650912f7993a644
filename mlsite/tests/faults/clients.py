"""Clients that are slow, gone, or too many, and clients that repeat a request at the same time."""

from __future__ import annotations

import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import requests

from inference.tests.factories import make_noise_image
from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.load import get_percentile
from mlsite.tests.faults.run import FaultRun
from mlsite.tests.site import PREDICTIONS_PATH

CLIENTS_PER_THREAD = 2  # slow clients for each thread of the server
SLOW_SECONDS = 15
RECOVERY_SECONDS = 30
GONE_CLIENTS = 20
RACING_CLIENTS = 32
OVERLOAD_CLIENTS = 120
OVERLOAD_SECONDS = 30
BASELINE_SECONDS = 10
MAX_SLOWDOWN = 3.0
MIN_GOODPUT = 0.8
OPEN_STATES = ("01", "08")  # ESTABLISHED, CLOSE_WAIT
COUNT_SCRIPT = (
    "from predictions.models import Prediction as P; print(P.objects.filter(client_reference__startswith='{}').count())"
)


def build_request(run: FaultRun, reference: str, seed: int) -> bytes:
    """Return a complete request with an image."""
    files, fields = {"image": ("image.png", make_noise_image(seed, size=(64, 64)))}, {"client_reference": reference}
    headers = {"Authorization": f"Bearer {run.token}", "Host": f"127.0.0.1:{run.site.port}"}
    request = requests.Request("POST", run.site.url + PREDICTIONS_PATH, headers=headers, files=files, data=fields).prepare()
    lines = [f"POST {PREDICTIONS_PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
    assert isinstance(request.body, bytes)
    return "\r\n".join([*lines, "", ""]).encode() + request.body


@fault(
    "F20",
    "Slow clients without a proxy",
    bar="back to normal within 30 s; the response time of /healthz is noted",
    divisor=10,
)
def occupy_threads(run: FaultRun) -> None:
    run.start()
    for number in run.iterate_rounds():
        request = build_request(run, f"slow-{uuid.uuid4().hex}", number)
        slowest = 0.0
        with ExitStack() as stack:
            count = CLIENTS_PER_THREAD * 8 * int(run.site.environment["WEB_CONCURRENCY"])
            clients = [stack.enter_context(socket.create_connection(("127.0.0.1", run.site.port))) for _ in range(count)]
            for client in clients:
                client.sendall(request[:600])
            for position in range(SLOW_SECONDS):
                for client in clients:
                    with suppress(OSError):  # the server has closed the connection
                        client.sendall(request[600 + position : 601 + position])
                started = time.time()
                run.get("/healthz", timeout=5)
                slowest = max(slowest, time.time() - started)
                time.sleep(1)
        recovery = run.wait_for_ok(since=time.time())
        run.expect(recovery <= RECOVERY_SECONDS, f"the recovery took {recovery:.1f} s")
        run.result.notes.append(f"/healthz within {slowest:.1f} s")
        run.expect(slowest <= 1, f"/healthz took {slowest:.1f} s")


@fault("F21", "Clients gone", bar="no row for half a body; no traceback; no connection left open")
def close_early(run: FaultRun) -> None:
    run.start()
    prefix = uuid.uuid4().hex
    for number in run.iterate_rounds():
        for client in range(GONE_CLIENTS):
            is_complete = client % 2
            request = build_request(run, f"{prefix}-{'whole' if is_complete else 'half'}-{client}", 100 * number + client)
            with socket.create_connection(("127.0.0.1", run.site.port)) as connection:
                connection.sendall(request if is_complete else request[: -len(request) // 4])
        time.sleep(0.3)
    run.wait_for_ok(since=time.time())
    run.load.stop()
    run.expect(wait_until(lambda: not count_connections(run), seconds=30), f"{count_connections(run)} connections left open")
    run.load.start()
    half = int(run.site.run_script(COUNT_SCRIPT.format(f"{prefix}-half")).splitlines()[-1])
    run.expect(not half, f"{half} rows for half a body")
    run.expect("Traceback" not in run.site.log.read_text(errors="replace"), "the log contains a traceback")


def count_connections(run: FaultRun) -> int:
    """Return the number of connections that the server has not closed. See proc(5)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(line[1].partition(":")[2], 16) == run.site.port and line[3] in OPEN_STATES for line in lines)


@fault("F22", "One Idempotency-Key, many clients", bar="one row for each key")
def race_with_one_key(run: FaultRun) -> None:
    run.start()

    def send(key: str, image: bytes) -> str:
        headers = {"Authorization": f"Bearer {run.token}", "Idempotency-Key": key}
        for _ in range(60):
            files, fields = {"image": ("image.png", image)}, {"client_reference": key}
            response = requests.post(run.site.url + PREDICTIONS_PATH, headers=headers, files=files, data=fields, timeout=60)
            if response.status_code == 201:
                return str(response.json()["id"])
            assert response.status_code in (409, 503), response.text
            time.sleep(0.5)
        raise AssertionError("the request was not stored in time")

    prefix = uuid.uuid4().hex[:8]
    with ThreadPoolExecutor(RACING_CLIENTS) as executor:
        for number in run.iterate_rounds():
            image, key = make_noise_image(number), f"{prefix}-{number}"
            ids = {future.result() for future in [executor.submit(send, key, image) for _ in range(RACING_CLIENTS)]}
            run.expect(len(ids) == 1, f"one key was stored {len(ids)} times")
    rows = int(run.site.run_script(COUNT_SCRIPT.format(f"{prefix}-")).splitlines()[-1])
    run.expect(rows == run.round_count, f"{rows} rows for {run.round_count} keys")
    run.wait_for_ok(since=time.time())


@fault(
    "F32",
    "Overload: 120 clients",
    bar="refused requests get 429 or 503 with Retry-After; p95 of accepted requests at most triples",
    divisor=20,
)
def overload(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        run.load.stop()
        normal, rate = measure(run, run.fault.threads, BASELINE_SECONDS)
        full, full_rate = measure(run, OVERLOAD_CLIENTS, OVERLOAD_SECONDS)
        healed = time.time()
        run.load.start()
        run.wait_for_ok(since=healed)
        run.expect(full <= MAX_SLOWDOWN * normal, f"p95 of accepted {full:.0f} ms instead of {normal:.0f} ms")
        run.expect(full_rate >= MIN_GOODPUT * rate, f"{full_rate:.0f} instead of {rate:.0f} accepted per second")
        run.result.notes.append(f"p95 {normal:.0f} ms → {full:.0f} ms, accepted {rate:.0f}/s → {full_rate:.0f}/s")


def measure(run: FaultRun, threads: int, seconds: float) -> tuple[float, float]:
    """Return the p95 of accepted requests in milliseconds, and their number per second."""
    started = time.time()
    run.load.start(threads=threads)
    time.sleep(seconds)
    run.load.stop()
    times = [event["ms"] for event in run.load.list_responses(started) if event["type"] == "ok"]
    return get_percentile(times, 0.95), len(times) / (time.time() - started)
