"""The real site in a folder of its own: bootstrapped, served by gunicorn, asked over HTTP."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests

from mlsite.tests.postgres import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "a long and quiet word"
SAMPLES = ROOT / "examples" / "digits" / "samples"
START = 180  # seconds


class Site:
    """Start with `start()`, stop with `stop()`; `manage()` runs a command beside it."""

    def __init__(self, folder: Path, database_url: str, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "CI") if name in os.environ}
        self.environment = kept | {
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

    def manage(self, *arguments: str, **options: Any) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
            **options,
        )
        return done.stdout

    def token(self, user: str = "demo") -> str:
        return self.manage("create_token", user).strip()

    def register_dummy(self, folder: Path, name: str, **behaviour: float) -> None:
        """Register a model of two classes without a library, and put it into production."""
        (folder / f"{name}.dummy.json").write_text(json.dumps({"classes": 2, **behaviour}))
        (folder / "model.toml").write_text(
            f'name = "{name}"\nartifact = "{name}.dummy.json"\nlabels = ["a", "b"]\n'
            '[input]\nkind = "image"\nheight = 8\nwidth = 8\nchannels = 1\n'
        )
        self.manage("register_model", str(folder), "--promote")

    def start(self, *, wait: bool = True) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "python:mlsite.gunicorn"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        if wait:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait until both processes say so several times running: each answers for itself."""
        deadline, green = time.monotonic() + START, 0
        while green < 12:
            green = green + 1 if self.status("/readyz") == 200 else 0
            assert time.monotonic() < deadline, f"not ready in {START} s: {self.log.read_text()[-3000:]}"
            threading.Event().wait(0.1)

    def status(self, path: str) -> int:
        try:
            return requests.get(self.url + path, timeout=5).status_code
        except (requests.ConnectionError, requests.Timeout):
            return 0

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=45)

    def workers(self) -> list[int]:
        """Return the process ids of gunicorn's workers."""
        assert self.process
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]

    def ask(self, image: bytes, token: str, **fields: str) -> requests.Response:
        return requests.post(
            f"{self.url}/api/v1/predictions/",
            headers={"Authorization": f"Bearer {token}"},
            files={"image": ("image.png", image)},
            data=fields,
            timeout=60,
        )
