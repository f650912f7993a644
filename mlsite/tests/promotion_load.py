"""Load test: clients send requests to a running site while the alias `production` moves between two versions."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from http.client import HTTPConnection, HTTPException
from math import inf
from pathlib import Path
from time import monotonic, time
from typing import Any

from mlsite.tests.promotions import FACTORS, MODEL, LoadResult, Promotion, Response, build_features
from mlsite.tests.site import PREDICTIONS_PATH, ROOT, Site, build_auth_header

REFERENCES = (MODEL, MODEL, f"{MODEL}@production", MODEL, f"{MODEL}:1", MODEL, MODEL, f"{MODEL}:2")
LIST_CHANGES_SCRIPT = f"""
import json
from registry.models import AliasChange
changes = AliasChange.objects.filter(model__name="{MODEL}").order_by("id").values_list("to_version__number", "changed_at")
print(json.dumps([(number, changed_at.timestamp()) for number, changed_at in changes]))
"""
MIN_PROMOTIONS = 3
PROMOTION_SECONDS = 1  # from one promotion to the next
PROPAGATION_TIMEOUT_SECONDS = 20  # time in which each worker must respond to a request after a promotion
REQUESTS_PER_CONNECTION = 25  # a new connection may reach another worker
RECENT_RESPONSES = 1000
PAGE_SIZE = 100


def run_load_test(site: Site, token: str, folder: Path, *, count: int, clients: int = 8) -> LoadResult:
    """Send requests while promotions alternate, then read all rows. This can be called once per site.

    Args:
        count: of requests. More are sent until there were `MIN_PROMOTIONS`.
    """
    _register_versions(site, folder)
    responses: list[Response] = []
    errors: list[str] = []
    promotions = [Promotion(1, -inf, -inf)]
    finished = threading.Event()
    starts = itertools.count(0, REQUESTS_PER_CONNECTION)
    parts: list[range] = []

    def send_parts() -> None:
        while (start := next(starts)) < count or len(promotions) <= MIN_PROMOTIONS:
            parts.append(range(start, start + REQUESTS_PER_CONNECTION))
            _send_requests(site, token, parts[-1], responses, errors)

    with ThreadPoolExecutor(clients + 1) as threads:
        alternation = threads.submit(_alternate_versions, site, responses, promotions, finished)
        started = monotonic()
        try:
            for future in [threads.submit(send_parts) for _ in range(clients)]:
                future.result()
            seconds = monotonic() - started
        finally:
            finished.set()
        alternation.result()
    sent = len(parts) * REQUESTS_PER_CONNECTION
    recorded = _add_recorded_times(site, promotions)
    return LoadResult(sent, seconds, responses, errors, recorded, list(_fetch_rows(site, token)))


def _register_versions(site: Site, folder: Path) -> None:
    """Register two regression models with the same features. Version 1 becomes the production version."""
    for version, factor in FACTORS.items():
        (folder / "sums.dummy.json").write_text(json.dumps({"sum": factor}))
        (folder / "model.toml").write_text(
            f'name = "{MODEL}"\nartifact = "sums.dummy.json"\n[output]\nkind = "value"\n[input]\nkind = "tabular"\n'
            + "".join(f'[[input.features]]\nname = "{name}"\n' for name in build_features(0))
        )
        site.manage("register_model", str(folder), *["--promote"] * (version == 1))


def _alternate_versions(
    site: Site, responses: Sequence[Response], promotions: list[Promotion], finished: threading.Event
) -> None:
    """Promote version 2, 1, 2 … about once per second with the `promote_model` command."""
    for version in itertools.cycle((2, 1)):
        started = monotonic()
        confirmed_at = _promote_version(site, version)
        is_complete = _wait_for_workers(site, responses, confirmed_at, finished)
        promotions.append(Promotion(version, -inf, confirmed_at, is_complete))
        if finished.wait(max(0.0, started + PROMOTION_SECONDS - monotonic())):
            break


def _promote_version(site: Site, version: int) -> float:
    """Run `promote_model` and return the time of its confirmation, which it prints before its process ends."""
    command = [sys.executable, "-u", "manage.py", "promote_model", MODEL, str(version)]
    with subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=subprocess.PIPE, text=True) as process:
        line, confirmed_at = process.stdout.readline(), time()
    if process.returncode or not line.endswith(f" -> {version}\n"):
        raise subprocess.CalledProcessError(process.returncode, command, line)
    return confirmed_at


def _add_recorded_times(site: Site, promotions: Sequence[Promotion]) -> list[Promotion]:
    """Return the promotions with the times in the database, which must contain exactly these promotions in order."""
    changes = json.loads(site.run_script(LIST_CHANGES_SCRIPT))
    assert [version for version, _ in changes] == [promotion.version for promotion in promotions], changes
    return [
        replace(promotion, changed_at=changed_at) for promotion, (_, changed_at) in zip(promotions, changes, strict=True)
    ]


def _wait_for_workers(site: Site, responses: Sequence[Response], since: float, finished: threading.Event) -> bool:
    """Wait until each worker has responded to a request by alias sent after `since`. Return False after the timeout."""
    workers, deadline = set(site.list_workers()), monotonic() + PROPAGATION_TIMEOUT_SECONDS
    while monotonic() < deadline:
        recent = responses[-RECENT_RESPONSES:]
        if workers <= {response.worker for response in recent if response.sent_at > since and response.uses_alias}:
            return True
        if finished.wait(0.02):
            return False
    return False


def _send_requests(site: Site, token: str, numbers: Sequence[int], responses: list[Response], errors: list[str]) -> None:
    """Send requests on one connection. The same worker serves all requests of a connection."""
    headers = {**build_auth_header(token), "Content-Type": "application/json"}
    worker = 0
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        for number in numbers:
            reference = REFERENCES[number % len(REFERENCES)]
            content = {"model": reference, "features": build_features(number), "client_reference": str(number)}
            sent_at = time()
            try:
                connection.request("POST", PREDICTIONS_PATH, json.dumps(content), headers)
                response = connection.getresponse()
                body = json.loads(response.read())
            except (OSError, HTTPException, ValueError) as error:
                errors.append(f"{reference}: {error!r}")
                connection.close()
                worker = 0
                continue
            received_at = time()
            if response.status != 201:
                errors.append(f"{reference}: {response.status} {body}")
                continue
            worker = worker or (find_worker(site, connection.sock.getsockname()[1]) if connection.sock else 0)
            responses.append(Response(number, reference, sent_at, received_at, worker, body))


def find_worker(site: Site, port: int) -> int:
    """Return the process id of the worker that serves the connection from a local port, or 0. See proc(5)."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    inodes = {tuple(int(address.rpartition(":")[2], 16) for address in line[1:3]): line[9] for line in lines}
    link = f"socket:[{inodes.get((site.port, port))}]"
    return next((pid for pid in site.list_workers() if link in _list_open_files(pid)), 0)


def _list_open_files(pid: int) -> set[str]:
    links = set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            links.add(os.readlink(path))
        except FileNotFoundError:  # closed in the meantime
            continue
    return links


def _fetch_rows(site: Site, token: str) -> Iterator[dict[str, Any]]:
    """Yield all stored predictions of both versions, newest first."""
    path = f"{PREDICTIONS_PATH}?model={MODEL}&page_size={PAGE_SIZE}"
    while path:
        response = site.get(path, token)
        response.raise_for_status()
        page = response.json()
        yield from page["results"]
        path = (page["next"] or "").removeprefix(site.url)
