"""Run all tests on SQLite, then those that use the database on PostgreSQL: python -m mlsite.tests.suite"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsite.tests import postgres

PROCESSES = 3  # more than the two cores of CI, because many tests wait
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


def run_pytest(*arguments: str, **environment: str) -> int:
    """Run tests, and meanwhile bootstrap the site that many of them copy. Otherwise, all processes would wait for it."""
    command = [sys.executable, "-m", "pytest", "-n", str(PROCESSES), "--dist", "loadgroup", "-q", *arguments]
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"} | environment
    with tempfile.TemporaryDirectory(prefix="mlsite-site-", ignore_cleanup_errors=True) as folder:
        bootstrap = subprocess.Popen([sys.executable, "-m", "mlsite.tests.site", folder], env=inherited)
        try:
            return subprocess.run(command, env=inherited | {"BOOTSTRAPPED_SITE": folder}, check=False).returncode
        finally:
            bootstrap.kill()
            bootstrap.wait()


def run_all() -> int:
    """Run the tests on both databases, one after the other: two cores run them no faster at once. Return the exit status."""
    print("--- SQLite", flush=True)
    if status := run_pytest(*sys.argv[1:]):
        return status
    print("--- PostgreSQL", flush=True)
    binaries = postgres.find_binaries()
    if binaries is None:
        print("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)")
        return 1 if os.environ.get("CI") else 0
    with postgres.run_cluster(binaries) as cluster:
        return run_pytest(*(sys.argv[1:] or POSTGRES_OPTIONS), DATABASE_URL=cluster.url)


def main() -> int:
    with use_memory():
        return run_all()


if __name__ == "__main__":
    sys.exit(main())
