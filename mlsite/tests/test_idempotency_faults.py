"""Many clients send a request with one Idempotency-Key while workers are killed. With FAULT_ROUNDS, there are 50 rounds."""

import os
import random
import signal
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from inference.tests.factories import make_noise_image
from mlsite.tests.site import PREDICTIONS_PATH, build_auth_header

pytestmark = [pytest.mark.faults, pytest.mark.site]
ROUNDS = 50 if os.environ.get("FAULT_ROUNDS") else 2
KILL_INTERVAL = 10  # rounds; after a kill, a round can take as long as a lease
THREADS = 100
MAX_SECONDS = 90  # a lease, and the start of a worker


def send(site, token, key, image):
    """Send the request until it is stored, and return the body."""
    deadline = time.monotonic() + MAX_SECONDS
    headers = {**build_auth_header(token), "Idempotency-Key": key}
    while time.monotonic() < deadline:
        try:
            files, fields = {"image": ("image.png", image)}, {"client_reference": key}
            response = requests.post(site.url + PREDICTIONS_PATH, headers=headers, files=files, data=fields, timeout=60)
        except requests.RequestException:
            response = None
        if response is not None and response.status_code == 201:
            return response.content
        assert response is None or response.status_code in (409, 503), response.text
        time.sleep(1)
    raise AssertionError("The request was not stored in time.")


def test_one_key_is_stored_once_although_workers_are_killed(make_site):
    site = make_site()
    site.start()
    token, choices = site.create_token(), random.Random(1)
    keys = [str(uuid.uuid4()) for _ in range(ROUNDS)]
    with ThreadPoolExecutor(THREADS) as executor:
        for number, key in enumerate(keys, 1):
            image = make_noise_image(number)
            bodies = [executor.submit(send, site, token, key, image) for _ in range(THREADS)]
            if number % KILL_INTERVAL == 2:
                time.sleep(choices.uniform(0, 0.3))
                os.kill(choices.choice(site.list_workers()), signal.SIGKILL)
            assert len({body.result() for body in bodies}) == 1, number
    script = "from predictions.models import Prediction as P; print(*P.objects.values_list('client_reference', flat=True))"
    stored = site.run_script(script).split()
    assert sorted(reference for reference in stored if reference in keys) == sorted(keys)
