"""A PostgreSQL server for the time of a test run: real, temporary, on a free loopback port."""

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

ACCOUNTS = ("postgres", "nobody")  # PostgreSQL refuses to run as root


def find_binaries() -> Path | None:
    """Return the folder with initdb and pg_ctl of the newest installed server, or None."""
    folders = [Path(found).parent for found in [shutil.which("pg_ctl")] if found]
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "pg_ctl").exists()), None)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(binaries: Path) -> Iterator[str]:
    """Start a server and yield the URL of an empty database; stop it and remove its files afterwards."""
    account = _account()
    folder = Path(tempfile.mkdtemp(prefix="mlsite-postgres-"))
    port = free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=200"
    try:
        if account:
            shutil.chown(folder, account)
        _run([binaries / "initdb", "-D", folder / "data", "-A", "trust", "-U", "mlsite", "-E", "UTF8"], account)
        _run([binaries / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-w", "-o", options, "start"], account)
        yield f"postgres://mlsite@127.0.0.1:{port}/postgres"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            _run([binaries / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], account)
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> str | None:
    """Return whom the server runs as: ourselves, or an account without rights when we are root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return next(name for name in ACCOUNTS if name in names)


def _run(command: list[Path | str], account: str | None) -> None:
    subprocess.run(
        [str(part) for part in command],
        check=True,
        user=account,
        cwd="/",
        env={"LC_ALL": "C.UTF-8"},
        stdout=subprocess.DEVNULL,
    )
