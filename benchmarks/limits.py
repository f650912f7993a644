"""What no server can beat on this machine: the bare models, and the two inserts without any program."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass

from benchmarks.contenders import PEER_PYTHON, PEERS_FOLDER
from benchmarks.databases import create_database
from benchmarks.payloads import ROOT
from benchmarks.processes import read_cpu_seconds
from benchmarks.wrk import CONNECTIONS, THREADS, LoadError
from mlsite.tests.postgres import Cluster

COUNT_LINE = re.compile(r"^number of transactions actually processed: (\d+)", re.MULTILINE)
FAILED_LINE = re.compile(r"^number of failed transactions: (\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Inserts:
    """Two inserts in one transaction, sent by pgbench."""

    rate: float  # transactions per second
    database_ms: float  # CPU time per transaction


def measure_bare_models() -> dict[str, float]:
    """Return the CPU time per input in ms, by model and batch size."""
    process = subprocess.run(
        [PEER_PYTHON, "-m", "benchmarks.bare_models"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    return json.loads(process.stdout.splitlines()[-1])


def measure_inserts(cluster: Cluster, seconds: int) -> Inserts:
    """Run pgbench with as many connections as wrk, on tables like those of image_expert.py."""
    program = shutil.which("pgbench", path=str(cluster.binaries)) or shutil.which("pgbench")
    if program is None:
        raise SystemExit("pgbench is not installed. On Debian: apt-get install postgresql")
    url = create_database(cluster.url, "pgbench", PEERS_FOLDER / "image_tables.sql")
    options = ["-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", str(THREADS), "-T", str(seconds)]
    command = [program, *options, "-f", str(PEERS_FOLDER / "inserts.sql"), url]
    started = read_cpu_seconds(cluster.pid)
    process = subprocess.run(command, check=True, capture_output=True, text=True)
    count = parse_pgbench(process.stdout)
    return Inserts(rate=count / seconds, database_ms=(read_cpu_seconds(cluster.pid) - started) * 1000 / count)


def parse_pgbench(output: str) -> int:
    """Return the number of transactions.

    Raises:
        LoadError: a transaction failed, or there are none.
    """
    count, failed = COUNT_LINE.search(output), FAILED_LINE.search(output)
    if not count or not int(count[1]) or (failed and int(failed[1])):
        raise LoadError(f"pgbench failed: {output}")
    return int(count[1])
