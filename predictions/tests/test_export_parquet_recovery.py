"""Exports to Parquet that are interrupted, and where they write."""

from datetime import UTC, datetime

import pytest

from predictions.models import Prediction
from predictions.services.parquet import export, rows
from predictions.services.parquet.destinations import ExportError, FolderDestination, open_destination
from predictions.services.reviews import review_prediction
from predictions.tests.parquet import assert_manifests_are_complete, list_ids, list_stored_ids, make_old, query, run_export

pytestmark = [pytest.mark.django_db, pytest.mark.once]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "parquet"


class Killed(BaseException):
    """The process ends."""


@pytest.mark.parametrize("step", range(17))
def test_an_export_that_is_killed_at_any_step_continues(flowers, user, reviewer, folder, monkeypatch, step):
    monkeypatch.setattr(rows, "ROWS_PER_QUERY", 2)
    monkeypatch.setattr(export, "MAX_FILE_ROWS", 2)
    for day in (1, 1, 1, 2):
        prediction = make_old(flowers, user, datetime(2026, 1, day, tzinfo=UTC))
        review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct", picked_by="manual")
    steps = iter(range(1000))
    write = FolderDestination.write

    def write_or_end(self, name, data):
        if next(steps) == step:
            (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{name}.tmp").write_bytes(data[: len(data) // 2])
            raise Killed
        write(self, name, data)

    monkeypatch.setattr(FolderDestination, "write", write_or_end)
    try:
        run_export(folder)
    except Killed:
        erase(Prediction.objects.order_by("pk").first())  # the files of the unfinished step would have other names
        run_export(folder)
    ids = list_ids(folder)
    assert len(ids) == len(set(ids)) and set(ids) >= set(list_stored_ids())
    assert query(folder, "SELECT count(DISTINCT id) = count(*), count(*) >= 3 FROM reviews") == [(True, True)]
    assert_manifests_are_complete(folder)
    assert list(folder.rglob("*.parquet.tmp")) == []


def erase(prediction):
    prediction.reviews.all().delete()
    prediction.delete()


def test_two_exports_do_not_write_to_one_folder(flowers, folder):
    with open_destination(str(folder)).lock():
        assert "Another export" in run_export(folder)


def test_files_are_private(flowers, user, folder):
    make_old(flowers, user, datetime(2026, 1, 1, tzinfo=UTC))
    run_export(folder)
    assert {path.stat().st_mode & 0o077 for path in [folder, *folder.rglob("*.parquet")]} == {0}


@pytest.mark.slow
@pytest.mark.xdist_group("objects")
def test_a_bucket_gets_the_same_files_as_a_folder(flowers, user, reviewer, bucket, folder):
    prediction = make_old(flowers, user, datetime(2026, 1, 1, tzinfo=UTC))
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct", picked_by="manual")
    run_export(folder)
    assert "1 prediction and 1 review " in run_export(f"s3://{bucket.name}/lake/")
    assert "0 predictions and 0 reviews" in run_export(f"s3://{bucket.name}/lake/")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {"_export.lock"}
    assert {name.removeprefix("lake/") for name in bucket.list_names()} == files
    part = next(name for name in files if name.startswith("predictions") and name.endswith("parquet"))
    assert bucket.read(f"lake/{part}") == (folder / part).read_bytes()
    assert "not complete: The bucket" in run_export("s3://missing-bucket/lake")
    with pytest.raises(ExportError, match="Received: s3:///x"):
        open_destination("s3:///x")


@pytest.mark.parametrize("options", [("--since", "yesterday"), ("--older-than", "-1")])
def test_invalid_options_are_rejected(folder, options):
    assert "Expected" in run_export(folder, *options)
