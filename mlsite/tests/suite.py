"""Run all tests on SQLite, and those that use the database on PostgreSQL too: python -m mlsite.tests.suite"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlsite.tests import postgres

SQLITE_PROCESSES, POSTGRES_PROCESSES = 3, 2  # more than the two cores of CI, because many tests wait
# The tests of inference, of the browser, and those marked `once` do not depend on the database.
POSTGRES_MARKS = "not browser and not once and not services and not faults and not slow"
POSTGRES_OPTIONS = ["--deselect", "inference/", "-m", POSTGRES_MARKS]
MEMORY_FOLDER = Path("/dev/shm")
MIN_MEMORY_BYTES = 4 * 2**30  # that must be free there


@contextmanager
def use_memory() -> Iterator[None]:
    """Let tests create their temporary files in memory, if the system has enough. Delete those that are left."""
    has_memory = MEMORY_FOLDER.is_dir() and shutil.disk_usage(MEMORY_FOLDER).free >= MIN_MEMORY_BYTES
    parent = MEMORY_FOLDER if has_memory else None
    with tempfile.TemporaryDirectory(prefix="mlsite-tests-", dir=parent, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)  # PostgreSQL runs as another user
        os.environ["TMPDIR"] = tempfile.tempdir = folder
        yield


def run_pytest(*arguments: str, processes: int, output: IO[str] | None = None, **environment: str) -> int:
    """Run tests, and meanwhile bootstrap the site that many of them copy. Otherwise, all processes would wait for it."""
    command = [sys.executable, "-m", "pytest", "-n", str(processes), "--dist", "loadgroup", "-q", *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | environment
    with tempfile.TemporaryDirectory(prefix="mlsite-site-", ignore_cleanup_errors=True) as folder:
        bootstrap = subprocess.Popen([sys.executable, "-m", "mlsite.tests.site", folder], env=inherited)
        try:
            variables = inherited | {"BOOTSTRAPPED_SITE": folder}
            return subprocess.run(command, env=variables, stdout=output, stderr=output, check=False).returncode
        finally:
            bootstrap.kill()
            bootstrap.wait()


def run_both(binaries: Path) -> int:
    """Run the tests on both databases at the same time, because many of them wait. Return the exit status."""
    with (
        tempfile.TemporaryFile("w+") as output,
        postgres.run_cluster(binaries) as cluster,
        ThreadPoolExecutor() as executor,
    ):
        on_postgres = executor.submit(
            run_pytest,
            *(sys.argv[1:] or POSTGRES_OPTIONS),
            processes=POSTGRES_PROCESSES,
            output=output,
            DATABASE_URL=cluster.url,
        )
        print("--- SQLite, and PostgreSQL at the same time", flush=True)
        status = run_pytest(*sys.argv[1:], processes=SQLITE_PROCESSES)
        status = on_postgres.result() or status
        output.seek(0)
        print(f"--- PostgreSQL\n{output.read()}", flush=True)
    return status


def main() -> int:
    with use_memory():
        if binaries := postgres.find_binaries():
            return run_both(binaries)
        print("PostgreSQL is not installed (Debian: apt-get install postgresql). The tests only run on SQLite.", flush=True)
        return run_pytest(*sys.argv[1:], processes=SQLITE_PROCESSES) or bool(os.environ.get("CI"))


if __name__ == "__main__":
    sys.exit(main())
