"""A running site with a bucket, under load: killed workers, and an object storage that is silent for some seconds."""

import json
import random
import signal
import time
import uuid

import pytest

from core.tests.processes import stop_process
from mlsite.tests.faults.catalog import SQLITE
from mlsite.tests.faults.installation import copy_prepared, prepare, send_signal, wait_until
from mlsite.tests.faults.load import Load

pytestmark = [pytest.mark.faults, pytest.mark.once, pytest.mark.xdist_group("objects")]
KILLS, SILENCES, THREADS = 6, 2, 4
ACKNOWLEDGED = 200


@pytest.fixture
def site(tmp_path, s3_process, s3_server, s3_client):
    name = f"faults-{uuid.uuid4().hex}"
    s3_client.create_bucket(Bucket=name)
    settings = {
        "S3_BUCKET": name,
        "S3_ENDPOINT_URL": s3_server,
        "S3_REGION": "us-east-1",
        "S3_TIMEOUT": "0.5",
        "AWS_ACCESS_KEY_ID": "test-key",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
    }
    with copy_prepared(prepare(tmp_path / "prepared", SQLITE), **settings) as (site, _):
        yield site


def test_no_acknowledged_prediction_is_lost(site, s3_process, tmp_path):
    site.start()
    load = Load(site.url, (tmp_path / "prepared" / "token").read_text(), tmp_path / "journal", threads=THREADS)
    load.start(kind="image")
    try:
        for _ in range(KILLS):
            time.sleep(random.uniform(0.2, 1.0))
            ready = site.count_ready()
            send_signal(random.choice(site.list_workers()), signal.SIGKILL)
            assert site.wait_for_ready_worker(ready)
        for _ in range(SILENCES):
            stop_process(s3_process.pid)
            time.sleep(3)
            s3_process.send_signal(signal.SIGCONT)
            time.sleep(1)
        assert wait_until(lambda: load.count("ok") >= ACKNOWLEDGED, seconds=120)
    finally:
        s3_process.send_signal(signal.SIGCONT)
        load.stop()
    assert {event["code"] for event in load.read("info", "fail") if "code" in event} <= {"storage-unavailable", "overloaded"}
    assert any(event.get("code") == "storage-unavailable" for event in load.read("info"))
    journal = ["verify_store", "--json", "--journal", str(load.journal)]
    before = json.loads(site.manage_any(*journal).splitlines()[0])["breaches"]
    assert {breach["invariant"] for breach in before} <= {"I6"}  # objects without a row
    site.manage("sweep_media", "--older-than", "0")
    report = json.loads(site.manage_any(*journal).splitlines()[0])
    assert report["breaches"] == []
    assert report["checked"]["image_files"] >= ACKNOWLEDGED
