"""Faults of models: one that hangs, one that needs too much memory, and versions that are exchanged."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path

import requests
from PIL import Image

from inference.tests.factories import make_noise_image
from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.load import get_percentile
from mlsite.tests.faults.run import FaultRun
from mlsite.tests.memory import read_resident_megabytes
from mlsite.tests.promotion_load import run_load_test

SLEEP_SECONDS = 8
TIMEOUT_SECONDS = 1.0
MAX_SLOWDOWN = 2.0
MEMORY_MEGABYTES = 300
LARGE_IMAGES = 16
MEMORY_RECOVERY_SECONDS = 10
PROMOTION_REQUESTS = 5000
CGROUPS = Path("/sys/fs/cgroup/memory")  # cgroup v1
CGROUP_V2 = Path("/sys/fs/cgroup/cgroup.controllers")


@fault(
    "F5", "Model hangs",
    bar="503 inference-timeout within the deadline + 1 s; the worker is replaced; p95 of the other model at most doubles",
    divisor=4, settings={"PREDICT_TIMEOUT": str(TIMEOUT_SECONDS)},
)  # fmt: skip
def hang_model(run: FaultRun) -> None:
    folder = run.site.folder / "slow"
    folder.mkdir()
    run.site.register_dummy(folder, "slow", sleep=SLEEP_SECONDS)
    run.start(threads=2)
    time.sleep(5)
    normal = get_percentile([event["ms"] for event in run.load.read("ok")], 0.95)
    since = time.time()
    for number in run.iterate_rounds():
        workers, started = run.site.list_workers(), time.time()
        response = run.site.predict(make_noise_image(number), run.token, model="slow")
        code = response.json().get("code")
        run.expect((response.status_code, code) == (503, "inference-timeout"), f"{response.status_code} {code}")
        run.expect(time.time() - started <= TIMEOUT_SECONDS + 1, "the response was late")
        is_replaced = wait_until(lambda: set(run.site.list_workers()) - set(workers), seconds=30)  # noqa: B023
        run.expect(is_replaced, "the worker was not replaced")
        run.site.wait_for_workers()
        run.site.wait_until_ready()
        run.wait_for_ok(since=time.time())
    times = [event["ms"] for event in run.load.list_responses(since) if event["type"] == "ok"]
    slow = get_percentile(times, 0.95)
    run.result.notes.append(f"p95 of the other model: {normal:.0f} ms → {slow:.0f} ms")
    run.expect(slow <= MAX_SLOWDOWN * max(normal, 20), f"p95 of the other model rose from {normal:.0f} to {slow:.0f} ms")


@fault(
    "F6", "Memory limit reached", bar="at most one worker dies; recovery within 10 s", divisor=4, needs_root=True
)  # fmt: skip
def exhaust_memory(run: FaultRun) -> None:
    if not CGROUPS.is_dir() or CGROUP_V2.exists():
        run.result.not_run = "no cgroup v1 with a memory controller"
        return
    with memory_group(run) as group:
        run.start()
        limit = (int((group / "memory.usage_in_bytes").read_text()) >> 20) + MEMORY_MEGABYTES
        (group / "memory.limit_in_bytes").write_text(str(limit << 20))
        image = make_large_image()
        for _ in run.iterate_rounds():
            workers = run.site.list_workers()
            with ThreadPoolExecutor(LARGE_IMAGES) as threads:
                list(threads.map(lambda _: send_large_image(run, image), range(LARGE_IMAGES)))
            healed = time.time()
            if set(run.site.list_workers()) != set(workers):
                run.result.notes.append("a worker died")
            run.expect(run.site.process and run.site.process.poll() is None, "the server died")
            run.expect(run.wait_for_ok(since=healed) <= MEMORY_RECOVERY_SECONDS, "the recovery was late")
        run.orphan_limit = run.round_count * (LARGE_IMAGES + run.fault.threads)
        run.result.notes.append(f"limit {limit} MB, used {read_resident_megabytes(run.site.list_processes())} MB at the end")
        run.finish()
        run.site.stop()


@contextmanager
def memory_group(run: FaultRun) -> Iterator[Path]:
    """Start the server in a memory control group of its own."""
    group = CGROUPS / f"mlsite-faults-{run.site.port}"
    group.mkdir()
    run.site.prefix = ("sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh")
    try:
        yield group
    finally:
        run.load.stop()
        run.site.kill_all()
        wait_until(lambda: not (group / "cgroup.procs").read_text(), seconds=10)
        group.rmdir()


def make_large_image() -> bytes:
    """Return a PNG of 25 megapixels: small to send, 100 MB to decode."""
    buffer = BytesIO()
    Image.new("RGBA", (5000, 5000), (9, 9, 9, 9)).save(buffer, "PNG")
    return buffer.getvalue()


def send_large_image(run: FaultRun, image: bytes) -> None:
    with suppress(requests.RequestException):
        run.site.predict(image, run.token, model="digits")


@fault(
    "F29",
    "Versions exchanged under load",
    bar="no response names a wrong version in 5,000 requests; a damaged version is refused",
    divisor=20,
    acknowledged=0,
)
def exchange_versions(run: FaultRun) -> None:
    folder = run.site.folder / "sums"
    folder.mkdir()
    run.site.start()
    result = run_load_test(run.site, run.token, folder, count=PROMOTION_REQUESTS)
    problems = {name: count for name, count in result.count_problems().items() if count}
    run.expect(not problems, f"{problems}")
    run.result.acknowledged = len(result.responses)
    run.result.rounds = len(result.promotions)
    run.result.notes.append("a round is one promotion")
    for path in (Path(run.site.environment["VAR_DIR"]) / "models" / "sums").rglob("*.dummy.json"):
        if '"sum": 2' in path.read_text():
            path.write_text('{"sum": 3}')
    refused = run.site.manage_any("shell", "--no-imports", "-v0", "-c", PROMOTE_SCRIPT).splitlines()[-1]
    run.expect(refused == "artifact-mismatch", f"the promotion of a damaged version: {refused}")
    response = run.site.post(
        "/api/v1/predictions/", run.token, json={"model": "sums:1", "features": {"length": 1, "width": 2}}
    )
    run.expect(response.status_code == 201, f"version 1 responded with {response.status_code}")


PROMOTE_SCRIPT = """
from django.core.management import call_command
from django.core.management.base import CommandError
call_command("promote_model", "sums", "1", verbosity=0)
try:
    call_command("promote_model", "sums", "2", verbosity=0)
except CommandError as error:
    print(getattr(error.__cause__, "code", "") or error)
else:
    print("accepted")
"""
