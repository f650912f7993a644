"""A temporary PostgreSQL server on a free local port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ACCOUNTS = ("postgres", "nobody")  # PostgreSQL does not run as root


def find_binaries() -> Path | None:
    """Return the folder of `initdb` and `pg_ctl`, or None. If several versions are installed, return the newest."""
    folders = [Path(program).parent for program in [shutil.which("pg_ctl")] if program]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """A PostgreSQL server with its data in a temporary folder. `url` is the URL of an empty database.

    Args:
        data: the data of a server that is not running, which is copied. Otherwise new data is created.
    """

    def __init__(self, binaries: Path, folder: Path, *, data: Path | None = None) -> None:
        self.binaries, self.folder, self.port = binaries, folder, find_free_port()
        self.account = _get_account()
        self.url = f"postgres://mlsite@127.0.0.1:{self.port}/postgres"
        if self.account:
            shutil.chown(folder, self.account)
        if data:
            subprocess.run(["cp", "-a", data, folder / "data"], check=True)
        else:
            self._run("initdb", "-A", "trust", "-U", "mlsite", "-E", "UTF8")

    def start(self, *, fsync: bool = False) -> None:
        """Start the server.

        Args:
            fsync: wait for the disk at each COMMIT, which is the default of PostgreSQL. Tests do not need it.
        """
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        if not fsync:
            options += " -c fsync=off"
        self._run("pg_ctl", "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def crash(self) -> None:
        """Stop the server at once, as a power failure does."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self._run("pg_ctl", "-m", "immediate", "stop")

    def stop(self) -> None:
        """Stop the server after it has closed all connections and written everything."""
        self._run("pg_ctl", "-m", "fast", "-w", "stop")

    def is_running(self) -> bool:
        """Return whether the server runs, or is starting."""
        path = self.folder / "data" / "postmaster.pid"
        return path.exists() and Path(f"/proc/{self.pid}").exists()

    @property
    def pid(self) -> int:
        """Return the process id of the server, the parent of all its other processes."""
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.binaries / program), "-D", str(self.folder / "data"), *arguments]
        subprocess.run(command, check=True, user=self.account, cwd="/", env={"LC_ALL": "C.UTF-8"}, stdout=subprocess.DEVNULL)


@contextmanager
def run_cluster(binaries: Path, *, fsync: bool = False) -> Iterator[Cluster]:
    """Start a server. Stop it and delete its files afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mlsite-postgres-"))
    cluster = None
    try:
        cluster = Cluster(binaries, folder)
        cluster.start(fsync=fsync)
        yield cluster
    finally:
        if cluster:
            cluster.crash()
        shutil.rmtree(folder, ignore_errors=True)


def _get_account() -> str | None:
    """Return the account that runs the server: None for the current one, or an unprivileged one if that is root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ACCOUNTS if name in names)
