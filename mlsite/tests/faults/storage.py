"""Faults of the disks and of the files."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from inference.tests.factories import make_noise_image
from mlsite.tests.faults.catalog import POSTGRES, fault
from mlsite.tests.faults.installation import wait_until
from mlsite.tests.faults.run import FaultRun

MEDIA_MEGABYTES = 48
DATABASE_MEGABYTES = 200
FULL_SECONDS = 1.0
READY_SECONDS = 8.0  # longer than a successful check of the database is valid
LARGE_SIDE = 1200  # of a noise image of 1.4 MB
FILE_LIMIT_BYTES = 1_000_000
STRACE_START_SECONDS = 10


def fill(path: Path) -> None:
    """Write a file until the disk is full."""
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 65536)
        except OSError:
            pass


@fault(
    "F13", "Disk of the images full", bar="507 storage-full; works again without a restart",
    programs=("unshare", "mount"), needs_root=True,
)  # fmt: skip
def fill_media_disk(run: FaultRun) -> None:
    media = Path(run.site.environment["VAR_DIR"], "media")
    media.mkdir(parents=True, exist_ok=True)
    script = f'mount -t tmpfs -o size={MEDIA_MEGABYTES}m tmpfs "$0" && exec "$@"'
    run.site.prefix = ("unshare", "-m", "sh", "-c", script, str(media))
    run.start()
    assert run.site.process
    visible = Path(f"/proc/{run.site.process.pid}/root{media}")  # the server's own mount
    run.verify_environment = {"MEDIA_ROOT": str(visible)}
    for _ in run.iterate_rounds():
        started = time.time()
        fill(visible / "filler")
        time.sleep(FULL_SECONDS)
        (visible / "filler").unlink()
        run.wait_for_ok(since=time.time())
        codes = {event.get("code") for event in run.load.list_responses(started) if event["type"] != "ok"}
        run.expect(codes == {"storage-full"}, f"the codes were {codes}")


@fault("F14", "File size limit reached", bar="507 storage-full; smaller images are stored", databases=(POSTGRES,))
def limit_file_size(run: FaultRun) -> None:
    run.start()
    for number in run.iterate_rounds():
        os.truncate(run.site.log, 0)  # or else the limit also applies to the log
        with limited_workers(run, resource.RLIMIT_FSIZE, FILE_LIMIT_BYTES):
            response = run.site.predict(make_noise_image(number, size=(LARGE_SIDE, LARGE_SIDE)), run.token, model="digits")
            run.expect(response.status_code == 507, f"the status was {response.status_code}: {response.text[:100]}")
            run.expect(run.site.predict(make_noise_image(number), run.token, model="digits").status_code == 201, "no 201")
        healed = time.time()
        response = run.site.predict(make_noise_image(number, size=(LARGE_SIDE, LARGE_SIDE)), run.token, model="digits")
        run.expect(response.status_code == 201, f"the status without a limit was {response.status_code}")
        run.wait_for_ok(since=healed)


@contextmanager
def limited_workers(run: FaultRun, kind: int, limit: int) -> Iterator[None]:
    """Set the soft limit of a resource for all workers, and then the former one again."""
    former = {pid: resource.prlimit(pid, kind) for pid in run.site.list_workers()}
    for pid, (_, hard) in former.items():
        resource.prlimit(pid, kind, (limit, hard))
    try:
        yield
    finally:
        for pid, limits in former.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, kind, limits)


@fault("F35", "File descriptors exhausted", bar="503 or 507 at most, no 500; works again without a restart")
def exhaust_descriptors(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        workers = run.site.list_workers()
        used = max(len(os.listdir(f"/proc/{pid}/fd")) for pid in workers)
        with limited_workers(run, resource.RLIMIT_NOFILE, used + 1):
            time.sleep(FULL_SECONDS)
        run.wait_for_ok(since=time.time())
        run.expect(run.site.list_workers() == workers, "a worker was replaced")
    run.orphan_limit = run.round_count * run.fault.threads


@fault("F34", "fsync fails (EIO)", bar="503 or 507, no 500; works again without a restart", programs=("strace",))
def fail_fsync(run: FaultRun) -> None:
    run.start()
    for _ in run.iterate_rounds():
        started = time.time()
        pids = [part for pid in run.site.list_workers() for part in ("-p", str(pid))]
        inject = ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO"]
        command = ["strace", "-f", "-q", *inject, "-o", "/dev/null", *pids]
        tracer = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            has_failed = wait_until(
                lambda: any(event["type"] != "ok" for event in run.load.list_responses(started)),  # noqa: B023
                seconds=STRACE_START_SECONDS,
            )
        finally:
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
        run.expect(has_failed, "no request failed although fsync failed")
        run.wait_for_ok(since=time.time())
        codes = {event.get("code") for event in run.load.list_responses(started) if event["type"] != "ok"}
        run.expect(codes <= {"storage-unavailable", "storage-full"}, f"the codes were {codes}")


@fault(
    "F17",
    "Disk of the database full",
    bar="503 or 507; works again after space is freed",
    programs=("mount", "umount"),
    needs_root=True,
)
def fill_database_disk(run: FaultRun) -> None:
    with mounted_database(run) as disk:
        run.start()
        for _ in run.iterate_rounds():
            started = time.time()
            fill(disk / "filler")
            wait_until(lambda: any(e["type"] != "ok" for e in run.load.list_responses(started)), seconds=10)  # noqa: B023
            run.expect(
                wait_until(lambda: run.site.get_status("/readyz") == 503, seconds=READY_SECONDS), "/readyz was not 503"
            )
            (disk / "filler").unlink()
            if run.is_postgres and not run.cluster.is_running():
                run.cluster.start(fsync=True)
            run.wait_for_ok(since=time.time())
            codes = {event.get("code") for event in run.load.list_responses(started) if event["type"] != "ok"}
            run.expect(codes <= {"database-unavailable", "storage-full"}, f"the codes were {codes}")
        run.orphan_limit = run.round_count * run.fault.threads
        run.finish()
        run.site.stop()


@contextmanager
def mounted_database(run: FaultRun) -> Iterator[Path]:
    """Move the database to a small disk in memory."""
    disk = run.site.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DATABASE_MEGABYTES}m,mode=755", "tmpfs", disk], check=True)
    try:
        if run.is_postgres:
            run.cluster.stop()
            subprocess.run(["mv", run.cluster.folder / "data", disk / "data"], check=True)
            (run.cluster.folder / "data").symlink_to(disk / "data")
            run.cluster.start(fsync=True)
        else:
            subprocess.run(["mv", run.site.folder / "site.sqlite3", disk], check=True)
            run.site.environment["DATABASE_URL"] = f"sqlite:///{disk}/site.sqlite3"
        yield disk
    finally:
        run.load.stop()
        run.site.kill_all()
        if run.is_postgres:
            run.cluster.crash()
        subprocess.run(["umount", disk], check=False)
