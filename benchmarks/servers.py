"""Start and stop the servers that are compared: mlsite itself, and the programs in peers/."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import requests

from mlsite.tests.postgres import find_free_port

ROOT = Path(__file__).parents[1]
PEERS = ROOT / "benchmarks" / "peers"
PEER_BIN = ROOT / ".venv-bench" / "bin"
PROCESSES = 2
THREADS = 8  # per process
START_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 45
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
        command = [part.replace("{port}", str(self.port)) for part in self.command]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.working_folder, env=self.get_environment(), stdout=log, stderr=log
            )

    def wait_until(self, path: str, count: int = 12) -> None:
        """Wait until several consecutive GET requests have no server error. Each response is that of one process only."""
        deadline, successes = time.monotonic() + START_TIMEOUT_SECONDS, 0
        while successes < count:
            successes = successes + 1 if self._succeeds(path) else 0
            assert self.process
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"The server is not ready: {self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def _succeeds(self, path: str) -> bool:
        try:
            return requests.get(self.url + path, timeout=5).status_code < 500
        except (requests.ConnectionError, requests.Timeout):
            return False

    def stop(self) -> None:
        """Stop the server and its processes. Kill it if that takes too long."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=STOP_TIMEOUT_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def create_site(folder: Path, database_url: str, site: Path) -> tuple[Server, str]:
    """Set up a site with the example models, from a checkout of mlsite. Return its server and an API token."""
    own_python = site / ".venv" / "bin" / "python"
    python = str(own_python if own_python.exists() else sys.executable)
    environment = {
        "ENV_FILE": "",
        "SECRET_KEY": "benchmark",
        "DEMO_PASSWORD": "a long and quiet word",
        "VAR_DIR": str(folder / "var"),
        "WEB_CONCURRENCY": str(PROCESSES),
        "WEB_THREADS": str(THREADS),
    }
    command = [python, "-m", "gunicorn", "-c", "python:mlsite.gunicorn"]
    server = Server(command, folder, database_url, environment, site)
    server.run(python, "manage.py", "bootstrap")
    return server, server.run(python, "manage.py", "create_token", "demo")


def create_uvicorn(module: str, folder: Path, database_url: str, model: Path) -> Server:
    options = ["--workers", str(PROCESSES), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    command = [str(PEER_BIN / "python"), "-m", "uvicorn", f"{module}:app", "--port", "{port}", *options]
    return Server(command, folder, database_url, _build_environment(folder, model), PEERS)


def create_gunicorn(module: str, folder: Path, database_url: str, model: Path) -> Server:
    options = ["--worker-class", "gthread", "--workers", str(PROCESSES), "--threads", str(THREADS)]
    command = [str(PEER_BIN / "python"), "-m", "gunicorn", f"{module}:app", "--bind", "127.0.0.1:{port}", *options]
    return Server(command, folder, database_url, _build_environment(folder, model), PEERS)


def _build_environment(folder: Path, model: Path) -> dict[str, str]:
    return {"FILES_DIR": str(folder / "files"), "MODEL_PATH": str(model)}


def pickle_iris(folder: Path) -> Path:
    """Write the pipeline of examples/iris as a pickle, as most tutorials do."""
    import skops.io

    source = ROOT / "examples" / "iris" / "iris.skops"
    path = folder / "iris.pickle"
    path.write_bytes(pickle.dumps(skops.io.load(source, trusted=skops.io.get_untrusted_types(file=source))))
    return path


def create_database(cluster_url: str, name: str, tables: Path | None = None) -> str:
    """Create a database, and tables from an SQL file. Return its URL."""
    url = urlunsplit(urlsplit(cluster_url)._replace(scheme="postgresql", path=f"/{name}"))
    execute(cluster_url, f'CREATE DATABASE "{name}"')
    if tables:
        execute(url, tables.read_text())
    return url


def execute(url: str, statement: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
    connection.close()


def count_rows(url: str, table: str) -> int:
    connection = psycopg2.connect(url)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        (count,) = cursor.fetchone()
    connection.close()
    return count
