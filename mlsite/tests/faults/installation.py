"""Sites that faults damage. They are copies of one that is prepared once per database."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.tests.requirements import require
from mlsite.tests import postgres
from mlsite.tests.faults.catalog import POSTGRES
from mlsite.tests.site import Site

SHARED_MEMORY = Path("/dev/shm")
IMAGE_TOML = '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\nscale = "unit"\n'
ROW_NAMES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
ROW_TOML = '[input]\nkind = "tabular"\n' + "".join(
    f'[[input.features]]\nname = "{name}"\nexample = 1.5\n' for name in ROW_NAMES
)
PREPARE_SCRIPT = """
from django.core.management import call_command
from accounts.models import User
from accounts.services import create_token
call_command("migrate", verbosity=0)
call_command("collectstatic", interactive=False, verbosity=0)
user = User.objects.create_superuser("demo", password="a long and quiet word")
for folder in {folders}:
    call_command("register_model", folder, "--promote", verbosity=0)
print()
print(create_token(user=user, name="faults")[1])
"""


@dataclass(frozen=True, slots=True)
class Prepared:
    """The folder of a site that is not running: its files, its database, and a token of the superuser `demo`."""

    folder: Path
    database: str

    @property
    def token(self) -> str:
        return (self.folder / "token").read_text()


class FaultSite(Site):
    """A site whose processes can be listed and waited for."""

    def count_ready(self) -> int:
        """Return how many workers have loaded their models since the server was first started."""
        return self.log.read_text(errors="replace").count("ready at http://")

    def wait_for_ready_worker(self, count: int, *, seconds: float = 60) -> bool:
        """Wait until one more than `count` workers have loaded their models. Return False after the time."""
        return wait_until(lambda: self.count_ready() > count, seconds=seconds)

    def wait_for_workers(self, *, seconds: float = 60) -> bool:
        """Wait until all workers run."""
        return wait_until(lambda: len(self.list_workers()) == int(self.environment["WEB_CONCURRENCY"]), seconds=seconds)

    def list_processes(self) -> list[int]:
        """Return the process IDs of the server and of all its descendants."""
        return list_descendants(self.process.pid) if self.process else []

    def manage_any(self, *arguments: str, **environment: str) -> str:
        """Run a `manage.py` command, with additional environment variables, and return its output whatever its status."""
        command = [sys.executable, "manage.py", *arguments]
        process = subprocess.run(
            command, cwd=self.root, env=self.environment | environment, check=False, capture_output=True, text=True
        )
        assert process.stdout, process.stderr[-2000:]
        return process.stdout

    def kill_all(self) -> None:
        """Kill the server and all its descendants."""
        for pid in self.list_processes():
            send_signal(pid, signal.SIGKILL)
        self.kill()


def list_descendants(pid: int) -> list[int]:
    """Return a process and all its descendants."""
    found = [pid]
    for parent in found:
        try:
            for path in Path(f"/proc/{parent}/task").glob("*/children"):
                found += [int(child) for child in path.read_text().split()]
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def send_signal(pid: int, number: int) -> None:
    """Send a signal to a process, which may have exited."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_until(condition, *, seconds: float, pause: float = 0.05) -> bool:
    """Wait until a condition holds. Return False after the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(pause)
    return bool(condition())


def prepare(folder: Path, database: str) -> Prepared:
    """Create a site with two small models: `digits` for images, and `iris` for rows."""
    folder.mkdir(parents=True)
    with ExitStack() as stack:
        url = f"sqlite:///{folder}/site.sqlite3"
        if database == POSTGRES:
            cluster = postgres.Cluster(_require_postgres(), folder)
            stack.callback(cluster.stop)
            cluster.start()
            url = cluster.url
        site = Site(folder, url)
        models = [_write_model(folder, "digits", IMAGE_TOML), _write_model(folder, "iris", ROW_TOML)]
        output = site.run_script(PREPARE_SCRIPT.format(folders=[str(model) for model in models]))
        (folder / "token").write_text(output.splitlines()[-1])
    return Prepared(folder, database)


@contextmanager
def copy_prepared(prepared: Prepared, **settings: str) -> Iterator[tuple[FaultSite, postgres.Cluster | None]]:
    """Copy a prepared site and start its database server. Delete everything afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mlsite-faults-"))
    cluster = site = None
    try:
        folder.chmod(0o755)  # the account that runs PostgreSQL must reach its data
        shutil.copytree(prepared.folder / "var", folder / "var")
        url = f"sqlite:///{folder}/site.sqlite3"
        if prepared.database == POSTGRES:
            (folder / "postgres").mkdir()
            cluster = postgres.Cluster(_require_postgres(), folder / "postgres", data=prepared.folder / "data")
            cluster.start(fsync=True)
            url = cluster.url
        else:
            shutil.copy(prepared.folder / "site.sqlite3", folder)
        site = FaultSite(folder, url, **settings)
        yield site, cluster
    finally:
        if site:
            site.kill_all()
        if cluster:
            cluster.crash()
        shutil.rmtree(folder, ignore_errors=True)


def _write_model(folder: Path, name: str, toml: str) -> Path:
    model = folder / "models" / name
    model.mkdir(parents=True)
    (model / f"{name}.dummy.json").write_text(json.dumps({"classes": 2}))
    (model / "model.toml").write_text(f'name = "{name}"\nartifact = "{name}.dummy.json"\nlabels = ["a", "b"]\n{toml}')
    return model


def _require_postgres() -> Path:
    binaries = postgres.find_binaries()
    require("PostgreSQL", binaries)
    assert binaries
    return binaries
