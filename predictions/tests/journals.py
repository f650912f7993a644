"""Journals of requests, and the invariants that a store breaks."""

import hashlib
import json
from pathlib import Path

from inference.tests.factories import make_noise_image
from predictions.models import Prediction
from predictions.services.verification import verify_store
from predictions.tests.factories import PREDICTIONS_URL, make_upload


class Recorder:
    """Sends requests in the process of the test, and keeps a journal as the load client does."""

    def __init__(self, api, path: Path) -> None:
        self.api, self.path, self.rows = api, path, []

    def send(self, seed: int) -> Prediction | None:
        reference, data = f"reference-{seed}", make_noise_image(seed)
        digest = hashlib.sha256(data).hexdigest()
        self.write(type="invoke", reference=reference, sha256=digest)
        fields = {"image": make_upload(data), "client_reference": reference, "model": "shades"}
        response = self.api.post(PREDICTIONS_URL, fields)
        body = response.json()
        assert response.status_code == 201, body
        event = {"reference": reference, "sha256": digest, "prediction": body["id"], "input": body["input"]["id"]}
        version = f"{body['model']}:{body['model_version']}"
        times = {"started": 0.0, "ended": 60.0, "ms": 60_000.0}
        self.write(type="ok", **event, **times, label=body["label"], user="user", model_version=version)
        return Prediction.objects.select_related("input").filter(pk=body["id"]).first()

    def write(self, **event) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(event) + "\n")


def find_breaches(journal=None, **options):
    """Return the invariants that are broken."""
    found = verify_store(journal=journal, older_than=0, **options)
    return sorted(found.breach_counts)
