"""Send requests with wrk, and read its result."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
CONNECTIONS = 16  # keep-alive
THREADS = 2
TIMEOUT_SECONDS = 30
PREFIX = "RESULT "


class LoadError(Exception):
    """A server gave a bad response, or wrk failed."""


@dataclass(frozen=True)
class Load:
    """The result of one run of wrk."""

    requests: int
    seconds: float
    bad_statuses: int
    socket_errors: int
    p50_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Return the responses per second."""
        return self.requests / self.seconds


def check_installed() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed. It sends the requests of the benchmarks. On Debian: apt-get install wrk")


def run_wrk(url: str, request_files: list[Path], seconds: float, connections: int = CONNECTIONS) -> Load:
    """Send the requests in turn for some seconds over keep-alive connections."""
    options = [
        "-t",
        str(min(THREADS, connections)),
        "-c",
        str(connections),
        "-d",
        f"{seconds:.0f}s",
        "--timeout",
        f"{TIMEOUT_SECONDS}s",
    ]
    command = ["wrk", *options, "-s", str(SCRIPT), url, "--", *map(str, request_files)]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    if process.returncode:
        raise LoadError(f"wrk failed: {process.stdout}{process.stderr}")
    return parse_result(process.stdout)


def parse_result(output: str) -> Load:
    """Read the line that wrk.lua prints.

    Raises:
        LoadError: a response had an error status, or a connection failed.
    """
    lines = [line.removeprefix(PREFIX) for line in output.splitlines() if line.startswith(PREFIX)]
    if len(lines) != 1:
        raise LoadError(f"wrk printed no result: {output}")
    load = Load(**json.loads(lines[0]))
    if load.bad_statuses or load.socket_errors:
        raise LoadError(
            f"{load.bad_statuses} bad statuses and {load.socket_errors} socket errors in {load.requests} requests"
        )
    return load
