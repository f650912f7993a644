"""The whole suite on SQLite, and beside it all that touches a database on a real PostgreSQL: python -m mlsite.tests.suite"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from typing import IO

from mlsite.tests import postgres

PROCESSES = {"sqlite": "2", "postgresql": "1"}
# What a browser does and how a format loads does not depend on the database; what is stored is asked on both.
ON_POSTGRES = ["accounts", "predictions", "mlsite", "-m", "not browser and not once"]


def start_pytest(kind: str, *arguments: str, output: IO[str] | None = None, **environment: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "pytest", "-n", PROCESSES[kind], "--dist", "loadgroup", "-q", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.Popen(command, env=clean | environment, stdout=output, stderr=output)


def on_sqlite() -> int:
    print("--- SQLite", flush=True)
    return start_pytest("sqlite", *sys.argv[1:]).wait()


def main() -> int:
    """Run both at once, for either waits a good deal; what PostgreSQL's says is told at the end."""
    binaries = postgres.find_binaries()
    if binaries is None:
        failed = on_sqlite()
        print("--- PostgreSQL\nskipped: no server is installed (Debian: apt-get install postgresql)")
        return failed or (1 if os.environ.get("CI") else 0)
    with postgres.running(binaries) as cluster, tempfile.TemporaryFile("w+") as output:
        beside = start_pytest("postgresql", *(sys.argv[1:] or ON_POSTGRES), output=output, DATABASE_URL=cluster.url)
        failed = on_sqlite()
        print("--- PostgreSQL", flush=True)
        failed = beside.wait() or failed
        output.seek(0)
        print(output.read(), flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
