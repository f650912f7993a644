"""A temporary RabbitMQ or Redis server on free local ports, and Celery processes that use it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mlsite.tests.postgres import find_free_port
from mlsite.tests.site import ROOT, Site

START_TIMEOUT_SECONDS = 90
RABBITMQ_SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")  # the program in the path always uses the system's folders
RABBITMQ_ACCOUNT = "rabbitmq"


class Broker:
    """A broker with its data in a temporary folder. After `kill` it can be started again with the same data and port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, find_free_port()
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        raise NotImplementedError

    def start(self) -> None:
        raise NotImplementedError

    def kill(self) -> None:
        """Kill the broker with SIGKILL, as the kernel does when memory runs out."""
        for process in self.processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        self.processes.clear()

    def run(self, *command: str, **options: object) -> None:
        with (self.folder / "output").open("ab") as output:
            options |= {"cwd": self.folder, "stdout": output, "stderr": output, "start_new_session": True}
            self.processes.append(subprocess.Popen(command, **options))  # type: ignore[call-overload]

    def wait_for(self, responds: Callable[[socket.socket], bool]) -> None:
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                    if responds(connection):
                        return
            except OSError:
                pass
            assert time.monotonic() < deadline, (self.folder / "output").read_text()[-3000:]
            time.sleep(0.1)


class Redis(Broker):
    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server. It syncs each command to its file, so that no message is lost if it is killed."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", ""]
        self.run("redis-server", *options, "--appendonly", "yes", "--appendfsync", "always")
        self.wait_for(_responds_to_ping)


class RabbitMQ(Broker):
    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        """Start the server with its own port mapper (epmd), which otherwise would be shared and keep running."""
        account = RABBITMQ_ACCOUNT if os.geteuid() == 0 else None
        if account:
            shutil.chown(self.folder, account)
        epmd_port, node_port = find_free_port(), find_free_port()
        environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(epmd_port),
            "RABBITMQ_NODENAME": f"mlsite-{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(node_port),
            "RABBITMQ_MNESIA_BASE": str(self.folder / "data"),
            "RABBITMQ_LOG_BASE": str(self.folder / "log"),
            "RABBITMQ_CONF_ENV_FILE": str(self.folder / "no-environment"),
            "RABBITMQ_CONFIG_FILE": str(self.folder / "no-configuration"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.folder / "no-plugins"),
            "RABBITMQ_FEATURE_FLAGS_FILE": str(self.folder / "feature-flags"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1",
        }
        self.run("epmd", "-port", str(epmd_port), "-address", "127.0.0.1", user=account, env=environment)
        self.run(str(RABBITMQ_SERVER), user=account, env=environment)
        self.wait_for(_sends_amqp)


KINDS: dict[str, type[Broker]] = {"redis": Redis, "rabbitmq": RabbitMQ}


def find_missing(kind: str) -> bool:
    """Return whether the programs of a broker are not installed."""
    if kind == "redis":
        return shutil.which("redis-server") is None
    has_account = os.geteuid() != 0 or RABBITMQ_ACCOUNT in {entry.pw_name for entry in pwd.getpwall()}
    return not RABBITMQ_SERVER.exists() or shutil.which("epmd") is None or not has_account


@contextmanager
def run_broker(kind: str) -> Iterator[Broker]:
    """Start a broker. Stop it and delete its files afterwards."""
    folder = Path(tempfile.mkdtemp(prefix=f"mlsite-{kind}-"))
    broker = KINDS[kind](folder)
    try:
        broker.start()
        yield broker
    finally:
        broker.kill()
        shutil.rmtree(folder, ignore_errors=True)


class CeleryProcess:
    """A Celery worker or beat of a site."""

    def __init__(self, site: Site, *arguments: str) -> None:
        self.site, self.arguments = site, arguments
        self.log = site.folder / f"celery-{arguments[0]}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "mlsite", *self.arguments]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.site.environment, stdout=log, stderr=log, start_new_session=True
            )

    def stop(self, timeout: float = 60) -> int:
        """Stop the process with SIGTERM and return its exit status."""
        assert self.process
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout)

    def kill(self) -> None:
        """Kill the process and its children with SIGKILL."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def _responds_to_ping(connection: socket.socket) -> bool:
    connection.sendall(b"PING\r\n")
    return connection.recv(16).startswith(b"+PONG")


def _sends_amqp(connection: socket.socket) -> bool:
    """Return whether the broker starts the protocol, which it does when it has recovered its queues."""
    connection.sendall(b"AMQP\x00\x00\x09\x01")
    return connection.recv(8).startswith(b"\x01\x00\x00")
