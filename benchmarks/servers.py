"""Start and stop the servers that are compared, each with its own port, folder and database."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import requests

from benchmarks.processes import read_cpu_seconds
from mlsite.tests.postgres import find_free_port

PROCESSES = 2
THREADS = 8  # per process
START_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 45
READY_RESPONSES = 12
QUIET_CPU_SECONDS = 0.05  # per second: the server has finished loading
INHERITED = ("PATH", "HOME", "LANG")
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


@dataclass
class Server:
    """A server process with its own port, folder and database."""

    command: list[str]
    folder: Path
    database_url: str
    environment: dict[str, str]
    working_folder: Path
    port: int = field(default_factory=find_free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def get_environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        return inherited | QUIET | {"PORT": str(self.port), "DATABASE_URL": self.database_url} | self.environment

    def run(self, *command: str) -> str:
        """Run a command with the environment of the server and return its output."""
        process = subprocess.run(
            command, cwd=self.working_folder, env=self.get_environment(), capture_output=True, text=True, check=False
        )
        if process.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{process.stdout}{process.stderr}")
        return process.stdout.strip()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.working_folder,
                env=self.get_environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_until_ready(self) -> None:
        """Wait until all processes have loaded their models.

        Wait until /readyz has responded several times without a server error; each response is that of one process only.
        Programs that have no such path respond with 404 as soon as one process has started. Therefore, wait until they do
        nothing any more, too.
        """
        deadline, successes = time.monotonic() + START_TIMEOUT_SECONDS, 0
        while successes < READY_RESPONSES:
            successes = successes + 1 if self._is_ready() else 0
            assert self.process
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"The server is not ready: {self.log.read_text()[-3000:]}")
            time.sleep(0.1)
        cpu_seconds = -QUIET_CPU_SECONDS
        while cpu_seconds + QUIET_CPU_SECONDS < (cpu_seconds := read_cpu_seconds(self.pid)):
            time.sleep(1)

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", timeout=5).status_code < 500
        except (requests.ConnectionError, requests.Timeout):
            return False

    def stop(self) -> None:
        """Stop the server. Then kill those of its processes that are left: LitServe leaves some."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=STOP_TIMEOUT_SECONDS)
        with suppress(ProcessLookupError):  # none is left
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None


def create_site(python: str, checkout: Path, folder: Path, database_url: str) -> tuple[Server, str]:
    """Set up a site with the example models. Return its server and an API token."""
    environment = {
        "ENV_FILE": "",
        "SECRET_KEY": "benchmark",
        "DEMO_PASSWORD": "a long and quiet word",
        "VAR_DIR": str(folder / "var"),
        "WEB_CONCURRENCY": str(PROCESSES),
        "WEB_THREADS": str(THREADS),
    }
    server = Server([python, "-m", "gunicorn", "-c", "python:mlsite.gunicorn"], folder, database_url, environment, checkout)
    server.run(python, "manage.py", "bootstrap")
    return server, server.run(python, "manage.py", "create_token", "demo")
