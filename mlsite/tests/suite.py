"""The whole suite on SQLite, then all that touches a database on a real PostgreSQL: python -m mlsite.tests.suite"""

from __future__ import annotations

import os
import subprocess
import sys

from mlsite.tests import postgres

PROCESSES = "3"  # a good part of the time is waiting
# What a browser does and how a format loads does not depend on the database; what is stored is asked on both.
ON_POSTGRES = ["accounts", "predictions", "mlsite", "-m", "not browser and not once"]


def run_pytest(*arguments: str, **environment: str) -> int:
    command = [sys.executable, "-m", "pytest", "-n", PROCESSES, "--dist", "loadgroup", "-q", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(command, env=clean | environment, check=False).returncode


def main() -> int:
    print("--- SQLite", flush=True)
    if failed := run_pytest(*sys.argv[1:]):
        return failed
    print("--- PostgreSQL", flush=True)
    binaries = postgres.find_binaries()
    if binaries is None:
        print("skipped: no PostgreSQL server is installed (Debian: apt-get install postgresql)")
        return 1 if os.environ.get("CI") else 0
    with postgres.running(binaries) as cluster:
        return run_pytest(*(sys.argv[1:] or ON_POSTGRES), DATABASE_URL=cluster.url)


if __name__ == "__main__":
    sys.exit(main())
