"""Queued predictions and batch jobs of a running site, and the check that each of them ends, once."""

from __future__ import annotations

import io
import json
import os
import signal
import time
import zipfile
from collections import Counter
from dataclasses import dataclass, field

import requests

from inference.tests.factories import make_noise_image
from mlsite.tests.site import Site

MODEL = "shades"
SECONDS_PER_BATCH = 0.05
IMAGES_PER_JOB = 40
# Workers that are killed must be noticed within seconds. The models of these sites are fast.
FAST_SETTINGS = {
    "BACKGROUND_LEASE_SECONDS": "4",
    "BATCH_JOB_LEASE_SECONDS": "4",
    "MAX_BATCH": "4",
    "SWEEP_SECONDS": "1",
    "TASK_REPEAT_SECONDS": "2",
    "WEB_CONCURRENCY": "2",
}
CREATE_USER_SCRIPT = "from accounts.models import User; User.objects.create_user('demo', password='x')"
READ_STATE_SCRIPT = """
import json
from predictions.models import BatchJob, BatchJobItem, Prediction, QueuedPrediction
print(json.dumps({
    "queued": QueuedPrediction.objects.count(),
    "predictions": {str(p.pk): p.status for p in Prediction.objects.filter(batch_job_item=None)},
    "jobs": {str(j.pk): [j.status, j.succeeded_items, j.failed_items] for j in BatchJob.objects.all()},
    "items": list(map(str, BatchJobItem.objects.exclude(prediction=None).values_list("job", flat=True))),
    "item_statuses": list(Prediction.objects.exclude(batch_job_item=None).values_list("status", flat=True)),
}))
"""


@dataclass
class Accepted:
    """The IDs of what the server has accepted, and the slowest request in seconds."""

    predictions: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    slowest: float = 0.0


class BackgroundLoad:
    """Sends background work to a site."""

    def __init__(self, site: Site) -> None:
        self.site, self.token = site, site.create_token()
        self.accepted, self.seed = Accepted(), 0

    def submit(self, *, predictions: int, jobs: int) -> None:
        """Send predictions and batch jobs. Record what the server accepts; it must accept everything."""
        for _ in range(jobs):
            response = self._post("batch-jobs/", files={"file": ("images.zip", self._make_archive())}, data={"model": MODEL})
            assert response.status_code == 201, response.text
            self.accepted.jobs.append(response.json()["id"])
        for _ in range(predictions):
            self.seed += 1
            files = {"image": ("image.png", make_noise_image(self.seed))}
            response = self._post("predictions/", files=files, data={"model": MODEL}, prefer="respond-async")
            assert response.status_code == 202, response.text
            self.accepted.predictions.append(response.json()["id"])

    def wait_until_started(self, *, seconds: float = 30) -> None:
        """Wait until a worker has completed a part of the newest job."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            job = self.site.get(f"/api/v1/batch-jobs/{self.accepted.jobs[-1]}/", self.token).json()
            if job["progress"]["succeeded"]:
                return
            time.sleep(0.02)
        raise AssertionError(f"no worker has started: {job}")

    def wait_until_final(self, *, seconds: float = 90) -> None:
        """Wait until no background work is left."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            background = requests.get(f"{self.site.url}/readyz", timeout=10).json()["background"]
            kinds = (background["predictions"], background["batch_jobs"])
            if not any(kind["waiting"] or kind["running"] for kind in kinds):
                return
            time.sleep(0.1)
        raise AssertionError(f"work is left after {seconds} s: {background}")

    def check(self) -> None:
        """Check that everything that was accepted has succeeded, and that each input was predicted once."""
        state = json.loads(self.site.run_script(READ_STATE_SCRIPT).splitlines()[-1])
        assert state["queued"] == 0
        lost = {pk: state["predictions"].get(pk) for pk in self.accepted.predictions}
        assert set(lost.values()) <= {"succeeded"}, lost
        assert {pk: state["jobs"].get(pk) for pk in self.accepted.jobs} == {
            pk: ["succeeded", IMAGES_PER_JOB, 0] for pk in self.accepted.jobs
        }
        assert Counter(state["items"]) == dict.fromkeys(self.accepted.jobs, IMAGES_PER_JOB)
        assert set(state["item_statuses"]) <= {"succeeded"}
        assert set(state["predictions"]) == set(self.accepted.predictions)  # nothing was predicted twice

    def _post(self, path: str, *, prefer: str = "", **options: object) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Prefer": prefer} if prefer else {})
        response = requests.post(f"{self.site.url}/api/v1/{path}", headers=headers, timeout=30, **options)  # type: ignore[arg-type]
        self.accepted.slowest = max(self.accepted.slowest, response.elapsed.total_seconds())
        return response

    def _make_archive(self) -> bytes:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for number in range(IMAGES_PER_JOB):
                self.seed += 1
                archive.writestr(f"{number:03}.png", make_noise_image(self.seed))
        return buffer.getvalue()


def prepare_site(site: Site) -> None:
    """Create the tables, a user, and a slow model. The example models are not needed."""
    site.manage("migrate", "-v0")
    site.run_script(CREATE_USER_SCRIPT)
    folder = site.folder / MODEL
    folder.mkdir()
    site.register_dummy(folder, MODEL, sleep=SECONDS_PER_BATCH)


def kill_site(site: Site) -> None:
    """Kill all processes of the server with SIGKILL."""
    assert site.process
    workers = site.list_workers()
    site.kill()
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
