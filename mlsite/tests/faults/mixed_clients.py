"""Clients that send batches, queued predictions, and reviews, in addition to the single predictions of the load client."""

from __future__ import annotations

import json
import random
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

import requests

from mlsite.tests.load_client import PATH, Journal, Load, build_image_request, build_row_request

ROWS_PER_BATCH = 10
CLIENTS = 2
PAUSE_SECONDS = 0.05


@dataclass
class Accepted:
    """What the server accepted: the IDs of queued predictions, of predictions in batches, and the number of reviews.

    Args:
        errors: the number of responses with the status 500.
    """

    queued: list[str] = field(default_factory=list)
    batch: list[str] = field(default_factory=list)
    reviews: int = 0
    errors: int = 0


class MixedClients:
    """Threads that send requests between `start` and `stop`, and record the outcomes in the journal of the load client.

    Args:
        certificate: of the server.
    """

    def __init__(self, load: Load, journal: Path, certificate: Path) -> None:
        self.load, self.journal, self.certificate = load, Journal(journal), str(certificate)
        self.accepted = Accepted()
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=self._send_until_stopped) for _ in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop after the current requests. Can be called again."""
        self._stopping.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join()
        self.journal.close()

    def _send_until_stopped(self) -> None:
        actions: list[Callable[[], None]] = [self._send_batch, self._queue_image, self._queue_row, self._review]
        while not self._stopping.is_set():
            random.choice(actions)()
            self._stopping.wait(PAUSE_SECONDS)

    def _send_batch(self) -> None:
        references = [uuid.uuid4().hex for _ in range(ROWS_PER_BATCH)]
        built = [build_row_request(self.load, reference) for reference in references]
        rows, hashes = [json.loads(body)["features"] for body, _, _ in built], [sha256 for _, _, sha256 in built]
        for reference, sha256 in zip(references, hashes, strict=True):
            self.journal.write(type="invoke", reference=reference, sha256=sha256, kind="row", at=time.time())
        content = {"model": self.load.row_model, "features": rows, "client_reference": references}
        started, clock = time.time(), time.perf_counter()
        body = self._post(f"{PATH}batch/", {200}, json=content)
        times = {"started": started, "ended": time.time(), "ms": 1000 * (time.perf_counter() - clock)}
        results = body["results"] if body else [{"prediction": None, "error": None}] * ROWS_PER_BATCH
        for reference, sha256, result in zip(references, hashes, results, strict=True):
            self._record(result, reference=reference, sha256=sha256, **times)

    def _record(self, result: dict[str, Any], **event: Any) -> None:
        """Record the outcome of one row of a batch."""
        prediction = result["prediction"]
        if prediction is None:
            error = result["error"] or {}
            self.journal.write(type="fail" if error else "info", **event, **({"status": error["status"]} if error else {}))
            return
        ids = {"prediction": prediction["id"], "input": prediction["input"]["id"], "label": prediction["label"] or ""}
        self.journal.write(type="ok", user=self.load.user, status=prediction["status"], **ids, **event)
        self.accepted.batch.append(prediction["id"])

    def _queue_image(self) -> None:
        self._queue(build_image_request)

    def _queue_row(self) -> None:
        self._queue(build_row_request)

    def _queue(self, build: Callable[[Load, str], tuple[bytes, str, str]]) -> None:
        reference = uuid.uuid4().hex
        data, content_type, sha256 = build(self.load, reference)
        self.journal.write(type="invoke", reference=reference, sha256=sha256, at=time.time())
        headers = {"Content-Type": content_type, "Prefer": "respond-async"}
        if body := self._post(PATH, {202}, data=data, headers=headers):
            self.accepted.queued.append(body["id"])
        else:
            self.journal.write(type="info", reference=reference, at=time.time())

    def _review(self) -> None:
        """Review a prediction. Its event has the same key as that of the prediction, so it must arrive later."""
        if self.accepted.batch:
            path = f"{PATH}{random.choice(self.accepted.batch[-100:])}/reviews/"
            self.accepted.reviews += self._post(path, {200, 201}, json={"verdict": "correct"}) is not None

    def _post(self, path: str, statuses: set[int], *, headers: dict[str, str] | None = None, **content: Any) -> Any:
        """Return the body of a response, or None if it has another status or there is none."""
        headers = {"Authorization": f"Bearer {self.load.token}", **(headers or {})}
        try:
            response = requests.post(
                self.load.url + path, headers=headers, timeout=self.load.timeout, verify=self.certificate, **content
            )
            self.accepted.errors += response.status_code == 500
            return response.json() if response.status_code in statuses else None
        except (requests.RequestException, HTTPException, ValueError):
            return None
