"""The receiver in docs/webhooks.md works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from events.tests.receiver import wait_until
from events.webhooks.requests import send_event
from events.webhooks.signatures import create_secret
from mlsite.tests.postgres import find_free_port

pytestmark = pytest.mark.once
PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


@pytest.fixture
def start_receiver(tmp_path):
    """Return a function that starts the receiver of the page with a secret, and returns its process and its URL."""
    processes = []

    def start(secret):
        (tmp_path / "receiver.py").write_text(re.search(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[1])
        port = find_free_port()
        environment = {**os.environ, "WEBHOOK_SECRET": secret, "PORT": str(port)}
        options = {"env": environment, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        processes.append(subprocess.Popen([sys.executable, tmp_path / "receiver.py"], **options))
        return processes[0], f"http://127.0.0.1:{port}/"

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_the_receiver_verifies_signatures_and_ignores_repeated_events(start_receiver, settings):
    settings.WEBHOOK_ALLOW_HTTP = settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES = True
    secret = create_secret()
    process, url = start_receiver(secret)

    def send(number, used_secret):
        body = b'{"id": "%d", "type": "prediction.succeeded", "data": {"number": %d}}' % (number, number)
        return send_event(url=url, valid_secrets=[used_secret], event_id=str(number), body=body)

    wait_until(lambda: send(1, secret).status == 204)
    assert send(1, secret).status == 204
    assert send(2, create_secret()).status == 401
    assert send(3, secret).status == 204
    process.kill()
    lines = process.stdout.read().splitlines()
    assert lines == ["prediction.succeeded {'number': 1}", "prediction.succeeded {'number': 3}"]
