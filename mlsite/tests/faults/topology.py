"""The processes of an installation on several machines: how to start each kind of them, kill it, and start it again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import requests

from core.tests.processes import stop_process
from events.tests.kafka_stream import KafkaStream
from mlsite.tests.brokers import CeleryProcess, run_broker
from mlsite.tests.faults.installation import FaultSite, send_signal, wait_until
from mlsite.tests.faults.run import FaultRun
from mlsite.tests.postgres import find_free_port
from mlsite.tests.proxies import write_nginx_files
from mlsite.tests.site import ROOT, START_TIMEOUT_SECONDS

OUTAGE_SECONDS = 2.0
KAFKA_TOPIC = "mlsite.events"
SETTINGS = {
    "EVENT_SINKS": "kafka",
    "EVENT_RELAY_SECONDS": "0",  # only the relay process sends events
    "KAFKA_TOPIC": KAFKA_TOPIC,
    "WEBHOOK_ALLOW_HTTP": "true",
    "WEBHOOK_ALLOW_PRIVATE_ADDRESSES": "true",
    "HTTPS": "true",
    "TRUSTED_PROXIES": "1",
    # Workers that are killed must be noticed within seconds.
    "BACKGROUND_LEASE_SECONDS": "4",
    "SWEEP_SECONDS": "1",
    "TASK_REPEAT_SECONDS": "2",
    "WEB_CONCURRENCY": "2",
}
CREATE_WEBHOOK_SCRIPT = """
from accounts.models import User
from events.event_types import list_event_types
from events.services.webhooks import create_webhook
names = [event_type.name for event_type in list_event_types()]
create_webhook(user=User.objects.get(username="demo"), url="{url}", event_types=names)
"""


class Program:
    """A program with its own process group and log."""

    def __init__(self, log: Path, environment: dict[str, str], *command: str) -> None:
        self.log, self.environment, self.command = log, environment, command
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """Kill the program and its children with SIGKILL."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> None:
        """Stop the program, which must not have children, without ending it."""
        assert self.process
        stop_process(self.process.pid)

    def resume(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGCONT)


class Topology:
    """PostgreSQL, RabbitMQ, two web servers behind nginx, two Celery workers, beat, a relay, Kafka, and a webhook receiver.

    Args:
        run: its site becomes the first web server, and the second one is a copy of it.
        stack: stops everything.
    """

    def __init__(self, run: FaultRun, stack: ExitStack) -> None:
        self.cluster, self.folder = run.cluster, run.site.folder
        self.broker = stack.enter_context(run_broker("rabbitmq"))
        self.kafka = KafkaStream(KAFKA_TOPIC)
        stack.callback(self.kafka.close)
        environment = run.site.environment
        environment |= {"CELERY_BROKER_URL": self.broker.url, "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap_servers}
        self.servers = [run.site, FaultSite(self.folder, environment["DATABASE_URL"])]
        self.servers[1].environment = environment | {"PORT": str(self.servers[1].port)}
        self.servers[1].log = self.folder / "server-2.log"
        self.workers = [CeleryProcess(run.site, "worker", "--hostname", f"worker-{number}@localhost") for number in (1, 2)]
        self.beat = CeleryProcess(run.site, "beat")
        self.relay = Program(self.folder / "relay.log", environment, sys.executable, "manage.py", "relay_events")
        self.received = self.folder / "received.jsonl"
        port = find_free_port()
        self.webhook_url = f"http://127.0.0.1:{port}/events"
        receiver = [sys.executable, "-m", "events.tests.recording_receiver", str(port), str(self.received)]
        self.receiver = Program(self.folder / "receiver.log", environment, *receiver)
        self.nginx = self._prepare_nginx()
        for program in (self.nginx, self.receiver, self.relay, self.beat, *self.workers):
            stack.callback(program.kill)
        stack.callback(self.servers[1].kill_all)

    def start(self) -> None:
        """Start all processes except PostgreSQL and RabbitMQ, which run. Wait until the proxy passes requests."""
        self.kafka.start()
        self.receiver.start()
        self.servers[0].run_script(CREATE_WEBHOOK_SCRIPT.format(url=self.webhook_url))
        for program in (*self.workers, self.beat, self.relay, self.nginx):
            program.start()
        for server in self.servers:
            server.start(wait=False)
        for server in self.servers:
            server.wait_until_ready()
        assert self.wait_for_proxy(), "nginx does not pass requests"

    def wait_for_proxy(self, *, seconds: float = START_TIMEOUT_SECONDS) -> bool:
        """Wait until the site behind the proxy is ready. Return False after the time."""
        return wait_until(self._is_ready, seconds=seconds)

    @property
    def kills(self) -> dict[str, Callable[[], None]]:
        """Return the functions that kill a process and start it again, by the kind of the process."""
        return {
            "relay": self._restart_relay,
            "worker process of a web server": self._kill_worker_process,
            "web server": self._restart_server,
            "Celery worker": self._restart_worker,
            "beat": self._restart_beat,
            "webhook receiver": self._restart_receiver,
            "Kafka broker": self._restart_kafka,
            "Kafka broker and relay": self._restart_kafka_and_relay,
            "RabbitMQ": self._restart_broker,
            "PostgreSQL": self._restart_postgres,
            "nginx": self._restart_nginx,
        }

    def _restart_relay(self) -> None:
        self.relay.kill()
        self.relay.start()

    def _kill_worker_process(self) -> None:
        server = self.servers[1]
        ready = server.count_ready()
        send_signal(server.list_workers()[0], signal.SIGKILL)
        assert server.wait_for_ready_worker(ready), "a killed worker was not replaced"

    def _restart_server(self) -> None:
        """Kill the first web server with its workers. The second one continues."""
        self.servers[0].kill_all()
        time.sleep(OUTAGE_SECONDS)
        self.servers[0].start()

    def _restart_worker(self) -> None:
        self.workers[0].kill()
        self.workers[0].start()

    def _restart_beat(self) -> None:
        self.beat.kill()
        self.beat.start()

    def _restart_receiver(self) -> None:
        self.receiver.kill()
        time.sleep(OUTAGE_SECONDS)
        self.receiver.start()

    def _restart_kafka(self) -> None:
        self._kill_kafka()
        self.kafka.start()

    def _restart_kafka_and_relay(self) -> None:
        """Kill the relay while it waits for the Kafka broker to confirm a batch. The batch is sent again after its lease."""
        self._kill_kafka()
        self._restart_relay()
        self.kafka.start()

    def _kill_kafka(self) -> None:
        """Kill the broker after the consumer has read what it confirmed. Stop the relay meanwhile, in a batch."""
        self.relay.stop()
        self.kafka.wait_until_read()
        self.kafka.kill()
        self.relay.resume()
        time.sleep(OUTAGE_SECONDS)

    def _restart_broker(self) -> None:
        self.broker.kill()
        time.sleep(OUTAGE_SECONDS)
        self.broker.start()

    def _restart_postgres(self) -> None:
        self.cluster.crash()
        time.sleep(OUTAGE_SECONDS)
        self.cluster.start(fsync=True)

    def _restart_nginx(self) -> None:
        self.nginx.kill()
        self.nginx.start()

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/readyz", verify=str(self.certificate), timeout=10).status_code == 200
        except requests.RequestException:
            return False

    def _prepare_nginx(self) -> Program:
        """Write the shipped configuration with the second server added.

        By default, nginx sends no requests to a server for 10 seconds after a connection has failed. If the connections to
        both servers have failed, it rejects all requests meanwhile.
        """
        folder = self.folder / "nginx"
        folder.mkdir()
        first = f"server 127.0.0.1:{self.servers[0].port};"
        ports = {"http_port": find_free_port(), "https_port": find_free_port(), "site_port": self.servers[0].port}
        main = write_nginx_files(folder, **ports)
        text = (folder / "mlsite.conf").read_text()
        assert text.count(first) == 1
        lines = [f"server 127.0.0.1:{server.port} fail_timeout=1s;" for server in self.servers]
        (folder / "mlsite.conf").write_text(text.replace(first, "\n    ".join(lines)))
        self.url, self.certificate = f"https://127.0.0.1:{ports['https_port']}", folder / "site.pem"
        return Program(self.folder / "nginx.log", dict(os.environ), shutil.which("nginx") or "nginx", "-c", str(main))
