"""The order of system calls that store a prediction."""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.run import FaultRun

TRACED = "write,writev,pwrite64,fsync,fdatasync,rename,sendto,sendmsg,recvfrom"
REQUESTS_PER_ROUND = 5
MAX_SECONDS = 120
RESPONSE = re.compile(r"^(?:sendto|sendmsg|write|writev)\(.*HTTP/1\.1 201")
RENAME = re.compile(r'^rename\("(?P<source>[^"]+)", "(?P<target>[^"]+)"\) += 0')


@fault(
    "F16", "Order of writes (strace)", bar="fsync file, rename, fsync folder, COMMIT, 201, in each request",
    programs=("strace",), acknowledged=0, threads=1, settings={"WEB_CONCURRENCY": "1", "WEB_THREADS": "2"},
)  # fmt: skip
def trace_writes(run: FaultRun) -> None:
    trace = run.site.folder / "trace"
    run.site.prefix = ("strace", "-D", "-f", "-y", "-s", "120", "-e", f"trace={TRACED}", "-o", str(trace))
    run.start(kind="image")
    count = run.round_count * REQUESTS_PER_ROUND
    run.expect(wait_until(lambda: run.load.count("ok") >= count, seconds=MAX_SECONDS), "the traced server was too slow")
    run.load.stop()
    time.sleep(1)  # for the last lines of the trace
    requests = list(split_requests(trace))
    problems = [problem for calls in requests if (problem := find_problem(calls, is_postgres=run.is_postgres))]
    run.result.rounds = len(requests)
    run.expect(len(requests) >= run.load.count("ok"), f"only {len(requests)} requests were found in the trace")
    run.expect(not problems, f"{len(problems)} of {len(requests)} requests: {problems[:1]}")
    run.result.mismatched += len(problems)
    run.result.notes.append("a round is one request")


def split_requests(trace: Path) -> Iterator[list[str]]:
    """Yield the system calls of each response 201, from those of its thread since the response before."""
    calls: dict[str, list[str]] = defaultdict(list)
    unfinished: dict[str, str] = {}
    for line in trace.read_text(errors="replace").splitlines():
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            unfinished[thread] = call.removesuffix("<unfinished ...>").rstrip()
            continue
        if call.startswith("<... "):
            call = unfinished.pop(thread, "") + call.partition("resumed>")[2]
        calls[thread].append(call)
        if RESPONSE.match(call):
            yield calls.pop(thread)


def find_problem(calls: list[str], *, is_postgres: bool) -> str:
    """Return which step of the durable order is missing or too early; empty if none is."""
    position = 0
    for name, pattern in list_steps(calls, is_postgres=is_postgres):
        found = next((index for index in range(position, len(calls)) if re.search(pattern, calls[index])), None)
        if found is None:
            return f"{name} is missing or too early"
        position = found + 1
    return ""


def list_steps(calls: list[str], *, is_postgres: bool) -> Iterator[tuple[str, str]]:
    """Yield the name and the pattern of each system call, in the order that the promise needs."""
    rename = next((match for call in calls if (match := RENAME.match(call)) and "/inputs/" in match["target"]), None)
    if rename is None:
        yield "rename", "^never$"
        return
    yield "fsync of the file", rf"^fsync\(\d+<{re.escape(rename['source'])}>\) += 0"
    yield "rename", re.escape(rename[0])
    yield "fsync of the folder", rf"^fsync\(\d+<{re.escape(str(Path(rename['target']).parent))}>\) += 0"
    if is_postgres:
        yield "the statement", r"^sendto\(\d+<socket:[^>]*>, (?!\"HTTP)"
        yield "the confirmation of the statement", r"^recvfrom\(\d+<socket:[^>]*>, .*= [1-9]"
    else:
        yield "the sync of the database", r"^f(data)?sync\(\d+<[^>]*site\.sqlite3(-wal)?>\) += 0"
    yield "the response", RESPONSE.pattern
