"""What health checks and the operations page show about a bucket."""

import pytest

from core.availability import BucketCheck
from mlsite import health
from monitoring.views.operations import get_free_disk_bytes

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("objects")]


@pytest.fixture(autouse=True)
def bucket_check(monkeypatch):
    monkeypatch.setattr(health, "bucket_check", BucketCheck())


@pytest.mark.parametrize(("name", "expected"), [(None, "ok"), ("missing-bucket", "unavailable")])
def test_the_health_check_names_the_bucket_without_changing_its_status(shades, client, bucket, settings, name, expected):
    settings.S3_BUCKET = ""
    without = client.get("/readyz")
    settings.S3_BUCKET = name or bucket.name
    response = client.get("/readyz")
    assert response.json() == {**without.json(), "storage": expected}
    assert response.status_code == without.status_code


def test_a_bucket_has_no_free_space(bucket, settings):
    assert get_free_disk_bytes() is None
    settings.S3_BUCKET = ""
    assert get_free_disk_bytes() > 0
