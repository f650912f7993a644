"""A complete site in its own folder, with its own database, served by gunicorn.

`python -m mlsite.tests.site FOLDER` bootstraps a site in an empty folder.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import requests

from mlsite.tests.postgres import find_free_port

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "examples" / "digits" / "samples"
PASSWORD = "a long and quiet word"  # of the user `demo`
BOOTSTRAPPED_SITE = os.environ.get("BOOTSTRAPPED_SITE")  # the folder in which `make test` bootstraps a site
BOOTSTRAP_SECONDS = 300  # for the slowest machine, while all of its cores run tests
START_TIMEOUT_SECONDS = 180
STOP_TIMEOUT_SECONDS = 45
READY_RESPONSES = 12  # consecutive responses of /readyz after which both worker processes have very likely responded
PREDICTIONS_PATH = "/api/v1/predictions/"


class Site:
    """Run `manage.py` commands with `manage`, start and stop the server with `start` and `stop`.

    Args:
        folder: contains the database (with SQLite), the files, and the log of the server.
        settings: environment variables, for example `WEB_CONCURRENCY="1"`.
    """

    prefix: tuple[str, ...] = ()  # the program that starts the server, for example `prlimit`
    configuration = "python:mlsite.gunicorn"
    root = ROOT  # of the code

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder = folder
        self.port = find_free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        self.tokens: dict[str, str] = {}  # by username
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "CI") if name in os.environ}
        self.environment = inherited | {
            "ENV_FILE": "",
            "SECRET_KEY": "site",
            "VAR_DIR": str(folder / "var"),
            "DATABASE_URL": database_url,
            "DEMO_PASSWORD": PASSWORD,
            "PORT": str(self.port),
            "WEB_CONCURRENCY": "2",
            "TF_CPP_MIN_LOG_LEVEL": "3",
            **settings,
        }

    def manage(self, *arguments: str) -> str:
        """Run a `manage.py` command and return its output."""
        command = [sys.executable, "manage.py", *arguments]
        process = subprocess.run(command, cwd=self.root, env=self.environment, check=True, capture_output=True, text=True)
        return process.stdout

    def run_script(self, code: str) -> str:
        """Run Python code in `manage.py shell` and return its output."""
        return self.manage("shell", "--no-imports", "-v0", "-c", code).strip()

    def create_token(self, user: str = "demo") -> str:
        """Return an API token of a user. It is created at the first call, because a command takes seconds."""
        if user not in self.tokens:
            self.tokens[user] = self.manage("create_token", user).strip()
        return self.tokens[user]

    def register_dummy(self, folder: Path, name: str, **behavior: float) -> None:
        """Register a dummy model with two classes and promote it."""
        write_dummy(folder, name, **behavior)
        self.manage("register_model", str(folder), "--promote")

    def start(self, *, wait: bool = True) -> None:
        """Start the server.

        Args:
            wait: return only after all models are loaded.
        """
        command = [*self.prefix, sys.executable, "-m", "gunicorn", "-c", self.configuration]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=self.root, env=self.environment, stdout=log, stderr=log)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until several consecutive responses are ready. Each response is that of one worker process only."""
        deadline, count = time.monotonic() + START_TIMEOUT_SECONDS, 0
        while count < READY_RESPONSES:
            count = count + 1 if self.get_status("/readyz") == 200 else 0
            assert not self.process or self.process.poll() is None, f"the server exited: {self.log.read_text()[-3000:]}"
            assert time.monotonic() < deadline, f"not ready in {START_TIMEOUT_SECONDS} s: {self.log.read_text()[-3000:]}"
            time.sleep(0.1)

    def get_status(self, path: str) -> int:
        """Return the HTTP status of a GET request, or 0 if the server does not respond."""
        try:
            return requests.get(self.url + path, timeout=5).status_code
        except (requests.ConnectionError, requests.Timeout):
            return 0

    def stop(self) -> int:
        """Stop the server with SIGTERM and return its exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=STOP_TIMEOUT_SECONDS)

    def kill(self) -> None:
        """Kill the server if it is running."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def list_workers(self) -> list[int]:
        """Return the process ids of the worker processes."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def predict(self, image: bytes, token: str, **fields: str) -> requests.Response:
        """Send a PNG image to the API."""
        return self.post(PREDICTIONS_PATH, token, files={"image": ("image.png", image)}, data=fields)

    def post(self, path: str, token: str, **options: Any) -> requests.Response:
        return requests.post(self.url + path, headers=build_auth_header(token), timeout=60, **options)

    def get(self, path: str, token: str) -> requests.Response:
        return requests.get(self.url + path, headers=build_auth_header(token), timeout=60)


def write_dummy(folder: Path, name: str, **behavior: float) -> None:
    """Write a dummy model with two classes and its model.toml."""
    (folder / f"{name}.dummy.json").write_text(json.dumps({"classes": 2, **behavior}))
    (folder / "model.toml").write_text(
        f'name = "{name}"\nartifact = "{name}.dummy.json"\nlabels = ["a", "b"]\n'
        '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\nscale = "unit"\n'
    )


def build_auth_header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def bootstrap_site(folder: Path) -> None:
    """Bootstrap a site in an empty folder. Afterwards, its file `database` contains the URL of the database.

    Before that, its file `migrated` contains the URL of a migrated database, of which test databases are copies.
    """
    migrated = folder / "empty"
    migrated.mkdir()
    site = Site(migrated, create_database(migrated))
    site.manage("migrate")
    _write_url(folder / "migrated", site)
    site = Site(folder, _copy_database(site.environment["DATABASE_URL"], folder))
    site.manage("bootstrap")
    _write_url(folder / "database", site)


def _write_url(path: Path, site: Site) -> None:
    path.with_suffix(".new").write_text(site.environment["DATABASE_URL"])
    path.with_suffix(".new").rename(path)


@contextmanager
def run_site(folder: Path, database_url: str) -> Iterator[Site]:
    """Bootstrap and start a site in an empty folder with an empty database. Stop it afterwards."""
    site = Site(folder, database_url)
    site.manage("bootstrap")
    try:
        site.start()
        yield site
    finally:
        if site.process:
            site.stop()


def create_database(folder: Path) -> str:
    """Create an empty database of the kind that this test run uses, and return its URL."""
    return _create_postgres_database("template1") if _uses_postgres() else _get_sqlite_url(folder)


def copy_site(source: Path, folder: Path, **settings: str) -> Site:
    """Copy the files and the database of a site that is not running.

    Args:
        source: the folder of the site. With PostgreSQL, its file `database` contains the URL of the database.
    """
    shutil.copytree(source / "var", folder / "var")
    return Site(folder, _copy_database((source / "database").read_text(), folder), **settings)


def _copy_database(url: str, folder: Path) -> str:
    """Copy a database that nobody uses, and return the URL of the copy."""
    source = urlsplit(url)
    if source.scheme == "sqlite":
        shutil.copy(source.path[1:], folder)
        return _get_sqlite_url(folder)
    return _create_postgres_database(source.path[1:])


def _uses_postgres() -> bool:
    return os.environ.get("DATABASE_URL", "").startswith("postgres")


def _get_sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder}/site.sqlite3"


def _create_postgres_database(template: str) -> str:
    url = os.environ["DATABASE_URL"]
    name = f"site_{uuid.uuid4().hex[:12]}"
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    connection.close()
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


if __name__ == "__main__":
    bootstrap_site(Path(sys.argv[1]))
