"""The systemd units in deploy/systemd/: systemd accepts them, and their commands run."""

import os
import re
import shutil
import signal
import socket
import subprocess

import pytest
from django.core.management import get_commands

from core.tests.requirements import require
from core.tests.waiting import wait_until
from mlsite.tests.brokers import Redis
from mlsite.tests.site import ROOT
from mlsite.tests.systemd import UNITS, copy_units, read_commands

pytestmark = pytest.mark.once
MAX_EXPOSURE = 20  # of `systemd-analyze security`, from 0 (best) to 100
STOP_SECONDS = 45


@pytest.fixture
def analyze(tmp_path):
    """Return a function that runs systemd-analyze on copies of the units. Skip the test if systemd is not installed."""
    path = shutil.which("systemd-analyze")
    require("systemd", path)
    units = copy_units(tmp_path / "units")
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{tmp_path / 'units'}:"}

    def run(*arguments):
        command = [path, *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)

    run.units = units
    return run


def test_systemd_accepts_the_units(analyze):
    process = analyze("verify", "--man=no", *map(str, analyze.units))
    output = process.stdout + process.stderr
    assert process.returncode == 0, output
    assert "mlsite" not in output, output  # warnings, for example of unknown options
    (analyze.units[0].parent / "mlsite-web.service").write_text("[Service]\nExecStart=/nothing\nProtectSistem=strict\n")
    damaged = analyze("verify", "--man=no", str(analyze.units[0].parent / "mlsite-web.service"))
    assert "ProtectSistem" in damaged.stderr


@pytest.mark.parametrize("name", ["mlsite-web.service", "mlsite-worker@1.service", "mlsite-backup.service"])
def test_the_units_have_few_rights(analyze, name):
    process = analyze("security", "--offline=true", f"--threshold={MAX_EXPOSURE}", "--no-pager", name)
    assert process.returncode == 0, process.stdout


def test_systemd_waits_for_running_requests():
    seconds = int(re.search(r"^TimeoutStopSec=(\d+)$", (UNITS / "mlsite-web.service").read_text(), re.MULTILINE)[1])
    graceful = int(re.search(r"^graceful_timeout = (\d+)", (ROOT / "mlsite" / "gunicorn.py").read_text(), re.MULTILINE)[1])
    assert graceful + 10 <= seconds


def test_the_commands_of_the_units_exist():
    commands = [command for path in UNITS.glob("*.service") for command in read_commands(path.name)]
    assert len(commands) >= 7
    for program, *arguments in commands:
        assert shutil.which(program), program
        if arguments[0] == "manage.py":
            assert arguments[1] in get_commands()


@pytest.mark.slow
@pytest.mark.services
def test_the_web_server_notifies_systemd_reloads_and_stops(make_site, tmp_path):
    site = make_site(WEB_CONCURRENCY="1")
    (command,) = read_commands("mlsite-web.service")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(60)
        environment = site.environment | {"NOTIFY_SOCKET": str(tmp_path / "notify")}
        with site.log.open("ab") as log:
            site.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        assert listener.recv(1000).startswith(b"READY=1")
        site.wait_until_ready()
        first = site.list_workers()
        site.process.send_signal(signal.SIGHUP)  # ExecReload
        wait_until(lambda: not set(site.list_workers()) & set(first), 60)
        assert site.get_status("/healthz") == 200
    assert site.stop() == 0


@pytest.mark.slow
@pytest.mark.services
def test_the_worker_and_the_scheduler_run_and_stop(make_site, tmp_path):
    broker = Redis(tmp_path)
    broker.start()
    site = make_site(CELERY_BROKER_URL=broker.url)
    commands = [*read_commands("mlsite-worker@.service"), *read_commands("mlsite-beat.service")]
    logs = [tmp_path / "worker.log", tmp_path / "beat.log"]
    processes = []
    try:
        for command, path in zip(commands, logs, strict=True):
            with path.open("wb") as log:
                processes.append(subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=log, stderr=log))
        wait_until(lambda: re.search(r"worker-1@\S+ ready", logs[0].read_text()), 60)
        wait_until(lambda: any((site.folder / "var" / "run").glob("*.lock")), 60)  # the worker runs a job that beat has sent
        for process in processes:
            process.terminate()
            assert process.wait(STOP_SECONDS) == 0
    finally:
        for process in processes:
            process.kill()
            process.wait()
        broker.kill()


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.parametrize("name", ["mlsite-backup.service", "mlsite-weekly.service"])
def test_the_commands_of_the_timers_succeed(make_site, tmp_path, name):
    site = make_site()
    for command in read_commands(name):
        arguments = [argument.replace("/var/backups/mlsite", str(tmp_path / "backups")) for argument in command]
        process = subprocess.run(arguments, cwd=ROOT, env=site.environment, capture_output=True, text=True, check=False)
        assert process.returncode == 0, process.stdout + process.stderr
