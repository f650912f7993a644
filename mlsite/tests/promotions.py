"""Move production to and fro while clients ask, and judge whether each answer names the version that gave it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from http.client import HTTPConnection, HTTPException
from itertools import cycle, pairwise
from math import inf
from pathlib import Path
from time import monotonic, time
from typing import Any

from mlsite.tests.serving import PREDICTIONS, bearer, get
from mlsite.tests.site import ROOT, Site

SUMS = "sums"
FACTORS = {1: 1, 2: 2}  # by version; an odd sum of features times its factor tells both the version and the sum
REFERENCES = (SUMS, SUMS, f"{SUMS}@production", SUMS, f"{SUMS}:1", SUMS, SUMS, f"{SUMS}:2")
CHANGES = f"""
import json
from predictions.models import AliasChange
changes = AliasChange.objects.filter(model__name="{SUMS}").order_by("id").values_list("to_version__number", "changed_at")
print(json.dumps([(number, moment.timestamp()) for number, moment in changes]))
"""
PERIOD = 1  # seconds from one promotion to the next
FOLLOWED = 20  # seconds in which each worker must have been asked again
PER_CONNECTION = 25  # requests; then another connection, perhaps to another worker


@dataclass(frozen=True, slots=True)
class Asked:
    """One answered request; times are `time.time()`, as the ledger's are; `worker` is the process that answered."""

    number: int
    reference: str
    sent: float
    answered: float
    worker: int
    body: dict[str, Any]

    @property
    def by_alias(self) -> bool:
        return ":" not in self.reference


@dataclass(frozen=True, slots=True)
class Promotion:
    """One move of the alias.

    Args:
        moved: when, by the ledger's own record, written in the transaction that moves it.
        done: when promote_model said so.
        followed: has every worker answered something sent after that?
    """

    version: int
    moved: float
    done: float
    followed: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """What was asked and answered while production moved between two versions, and what the list says of it afterwards."""

    requests: int
    seconds: float
    answers: list[Asked]
    errors: list[str]
    promotions: list[Promotion]
    rows: list[dict[str, Any]]

    def faults(self) -> dict[str, int]:
        """Return how often each thing happened that must never happen."""
        stored = {row["id"]: row for row in self.rows}
        answered_by = {one.body["model_version"] for one in self.answers if one.by_alias}
        return {
            "errors": len(self.errors),
            "mix-ups in answers": sum(is_mixed_up(one.body, one.number) for one in self.answers),
            "mix-ups in stored rows": sum(is_mixed_up(row, int(row["client_reference"])) for row in self.rows),
            "answers by a version not asked for": sum(
                one.body["model_version"] not in versions_of(one, self.promotions) for one in self.answers
            ),
            "answers not stored as given": sum(stored.get(one.body["id"]) != one.body for one in self.answers),
            "requests stored twice or never": abs(self.requests - len(self.rows)) + len(self.rows) - len(stored),
            "promotions that a worker did not follow": sum(not one.followed for one in self.promotions[:-1]),
            "versions that never answered": len(FACTORS.keys() - answered_by),
        }

    def certain(self) -> int:
        """Return how many requests by alias could be answered rightly by one version only: no move was under way."""
        return sum(one.by_alias and len(versions_of(one, self.promotions)) == 1 for one in self.answers)


def features_of(number: int) -> dict[str, float]:
    """Return features unlike any other request's, whose sum 2 n + 1 a float32 holds exactly."""
    return {"length": number + 0.25, "width": number + 0.75}


def is_mixed_up(body: dict[str, Any], number: int) -> bool:
    """Return whether an answer or a stored row is another request's, or names another version than its value shows."""
    total = sum(features_of(number).values())
    shown = next((version for version, factor in FACTORS.items() if body["value"] == factor * total), None)
    own = body["client_reference"] == str(number) and body["input"]["features"] == features_of(number)
    return not own or (body["model"], body["model_version"]) != (SUMS, shown)


def versions_of(one: Asked, promotions: Sequence[Promotion]) -> set[int]:
    """Return the versions that a request's reference meant at some time between its sending and its answer.

    A promotion takes effect between its record in the ledger and the word of its command: what is answered before must be
    answered by the old version, what is sent afterwards by the new.
    """
    if not one.by_alias:
        return {int(one.reference.partition(":")[2])}
    ends = [*(later.done for _, later in pairwise(promotions)), inf]
    return {
        promotion.version
        for promotion, end in zip(promotions, ends, strict=True)
        if promotion.moved <= one.answered and one.sent <= end
    }


def load(site: Site, token: str, folder: Path, *, count: int, clients: int = 8) -> Load:
    """Let clients ask by the bare name while promotions go to and fro; then read all back from the list. Once on a site."""
    _register_sums(site, folder)
    answers: list[Asked] = []
    errors: list[str] = []
    finished = threading.Event()
    parts = [range(start, min(start + PER_CONNECTION, count)) for start in range(0, count, PER_CONNECTION)]
    with ThreadPoolExecutor(clients + 1) as threads:
        promoting = threads.submit(_promote_in_turns, site, answers, finished)
        started = monotonic()
        try:
            list(threads.map(lambda numbers: _ask_some(site, token, numbers, answers, errors), parts))
            seconds = monotonic() - started
        finally:
            finished.set()
        promotions = _as_recorded(site, promoting.result())
    return Load(count, seconds, answers, errors, promotions, list(_stored(site, token)))


def _register_sums(site: Site, folder: Path) -> None:
    """Register the two versions: tabular regressions of the same features, the sum times a factor."""
    for version, factor in FACTORS.items():
        (folder / "sums.dummy.json").write_text(json.dumps({"sum": factor}))
        (folder / "model.toml").write_text(
            f'name = "{SUMS}"\nartifact = "sums.dummy.json"\n[output]\nkind = "value"\n[input]\nkind = "tabular"\n'
            + "".join(f'[[input.features]]\nname = "{name}"\n' for name in features_of(0))
        )
        site.manage("register_model", str(folder), *["--promote"] * (version == 1))


def _promote_in_turns(site: Site, answers: Sequence[Asked], finished: threading.Event) -> list[Promotion]:
    """Promote 2, 1, 2 … about every second, each in a process of its own, as an operator does."""
    promotions = [Promotion(1, -inf, -inf)]
    for version in cycle((2, 1)):
        begun = monotonic()
        done = _promote(site, version)
        promotions.append(Promotion(version, -inf, done, _is_followed(site, answers, done, finished)))
        if finished.wait(max(0.0, begun + PERIOD - monotonic())):
            break
    return promotions


def _promote(site: Site, version: int) -> float:
    """Run promote_model and return when it said that it is done, which is some time before its process has ended."""
    command = [sys.executable, "-u", "manage.py", "promote_model", SUMS, str(version)]
    with subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=subprocess.PIPE, text=True) as process:
        said, done = process.stdout.readline(), time()
    if process.returncode or not said.endswith(f" -> {version}\n"):
        raise subprocess.CalledProcessError(process.returncode, command, said)
    return done


def _as_recorded(site: Site, promotions: Sequence[Promotion]) -> list[Promotion]:
    """Return the promotions with the moments that the ledger has for them; it must have each, in order, and no other."""
    changes = json.loads(site.manage("shell", "--no-imports", "-v0", "-c", CHANGES))
    assert [version for version, _ in changes] == [one.version for one in promotions], changes
    return [replace(one, moved=moved) for one, (_, moved) in zip(promotions, changes, strict=True)]


def _is_followed(site: Site, answers: Sequence[Asked], since: float, finished: threading.Event) -> bool:
    """Wait until each worker has answered a request by alias sent after `since`."""
    workers, deadline = set(site.workers()), monotonic() + FOLLOWED
    while monotonic() < deadline:
        if workers <= {one.worker for one in answers[-1000:] if one.sent > since and one.by_alias}:
            return True
        if finished.wait(0.02):
            return False
    return False


def _ask_some(site: Site, token: str, numbers: Sequence[int], answers: list[Asked], errors: list[str]) -> None:
    """Ask on one connection, which is one worker's from its first request to its last."""
    headers = {**bearer(token), "Content-Type": "application/json"}
    worker = 0
    with closing(HTTPConnection("127.0.0.1", site.port, timeout=60)) as connection:
        for number in numbers:
            reference = REFERENCES[number % len(REFERENCES)]
            asked = {"model": reference, "features": features_of(number), "client_reference": str(number)}
            sent = time()
            try:
                connection.request("POST", PREDICTIONS, json.dumps(asked), headers)
                answer = connection.getresponse()
                body = json.loads(answer.read())
            except (OSError, HTTPException, ValueError) as error:
                errors.append(f"{reference}: {error!r}")
                connection.close()
                worker = 0
                continue
            answered = time()
            if answer.status != 201:
                errors.append(f"{reference}: {answer.status} {body}")
                continue
            worker = worker or (worker_of(site, connection.sock.getsockname()[1]) if connection.sock else 0)
            answers.append(Asked(number, reference, sent, answered, worker, body))


def worker_of(site: Site, port: int) -> int:
    """Return the worker process at the server's end of the connection from our `port`; 0 when it is gone (proc(5))."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ends = {tuple(int(end.rpartition(":")[2], 16) for end in line[1:3]): line[9] for line in lines}
    wanted = f"socket:[{ends.get((site.port, port))}]"
    return next((pid for pid in site.workers() if wanted in _open_files(pid)), 0)


def _open_files(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(os.readlink(link))
        except FileNotFoundError:  # closed meanwhile
            continue
    return found


def _stored(site: Site, token: str) -> Iterator[dict[str, Any]]:
    """Yield every stored prediction of the two versions, page by page, newest first."""
    path = f"{PREDICTIONS}?model={SUMS}&page_size=100"
    while path:
        answer = get(site, token, path)
        answer.raise_for_status()
        page = answer.json()
        yield from page["results"]
        path = (page["next"] or "").removeprefix(site.url)
