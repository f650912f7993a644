"""The export of predictions and reviews as Parquet, read back with DuckDB."""

import json
from datetime import UTC, datetime, timedelta

import pyarrow.parquet as pq
import pytest
from django.core.files.base import ContentFile

from accounts.models import AuditEntry
from accounts.services.erasure import resume_erasures, start_erasure
from inference.tests.factories import make_image
from predictions.models import Prediction, QueuedPrediction, Review
from predictions.services import predict
from predictions.services.parquet.rows import build_pseudonym
from predictions.services.parquet.schema import PREDICTION_SCHEMA, REVIEW_SCHEMA
from predictions.services.reviews import review_prediction
from predictions.tests.factories import make_prediction
from predictions.tests.parquet import ROW, STATEMENTS, list_ids, list_stored_ids, make_old, query, run_export

pytestmark = pytest.mark.django_db


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "parquet"


def test_predictions_are_joined_with_their_reviews(shades, flowers, user, reviewer, folder):
    dark, light = (make_prediction(user, make_image(shade), model="shades") for shade in (0, 255))
    flower = predict(user=user, source="api", model="flowers", features=ROW, client_reference="x")
    review_prediction(prediction=dark, reviewer=reviewer, verdict="incorrect", true_label="white", picked_by="random")
    assert "Exported 3 predictions and 1 review " in run_export(folder)
    assert AuditEntry.objects.get(action="export").details == {"format": "parquet", "predictions": 3, "usernames": False}
    found = query(
        folder,
        """SELECT p.id, p.label, p.scores['black'], r.true_label, p.verdict, p.reviews
           FROM predictions p LEFT JOIN reviews r ON r.prediction_id = p.id WHERE p.model = 'shades' ORDER BY p.id""",
    )
    assert [(row[0], row[1], row[3:]) for row in found] == [
        (str(dark.pk), "black", ("white", "incorrect", 1)),
        (str(light.pk), "white", (None, None, 0)),
    ]
    assert found[0][2] == pytest.approx(dark.output["scores"]["black"])
    ((features, value, day, text, milliseconds, reference),) = query(
        folder,
        """SELECT (features->>'$.length')::DOUBLE, value, day, features, inference_ms, client_reference
           FROM predictions WHERE model = 'flowers'""",
    )
    assert (features, value, day, reference) == (1.5, flower.value, flower.created_at.date(), "x")
    assert json.loads(text) == flower.input.features
    assert milliseconds == pytest.approx(flower.inference_ms)


def test_the_queries_of_the_page_run(shades, user, reviewer, folder):
    review_prediction(prediction=make_prediction(user), reviewer=reviewer, verdict="correct")
    run_export(folder)
    queries = STATEMENTS[2:]
    assert len(queries) == 2
    for statement in queries:
        query(folder, statement)


def test_each_kind_of_prediction_is_exported(shades, flowers, blends, reviews, parcels, user, register_failing, folder):
    make_prediction(user, make_image(128), model="blends")
    predict(user=user, source="api", model="reviews", text="Größe")
    predict(user=user, source="api", model="parcels", image=ContentFile(make_image(9), name="a.png"),
            features={"weight": 2.5, "express": True})  # fmt: skip
    make_prediction(user, model=str(register_failing(fail=True)))
    run_export(folder)
    found = {
        row[0]: row[1:] for row in query(folder, "SELECT model, labels, text, image, features, status FROM predictions")
    }
    assert found["blends"][0] == Prediction.objects.get(model_version__model__name="blends").predicted_labels
    assert (found["reviews"][1], found["reviews"][3]) == ("Größe", None)
    assert found["parcels"][2].endswith(".png") and json.loads(found["parcels"][3])["weight"] == 2.5
    assert list_ids(folder) == list_stored_ids()


def test_a_later_export_adds_only_what_is_new(flowers, user, reviewer, folder):
    first = predict(user=user, source="api", model="flowers", features=ROW)
    run_export(folder)
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.parquet")}
    assert "Exported 0 predictions and 0 reviews" in run_export(folder)
    second = predict(user=user, source="api", model="flowers", features=ROW)
    review_prediction(prediction=first, reviewer=reviewer, verdict="correct", picked_by="manual")
    assert "Exported 1 prediction and 1 review " in run_export(folder)
    assert list_ids(folder) == sorted([str(first.pk), str(second.pk)])
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert query(folder, "SELECT prediction_id, verdict FROM reviews") == [(str(first.pk), "correct")]


def test_a_review_that_is_withdrawn_later_is_exported_again(flowers, user, reviewer, folder):
    prediction = predict(user=user, source="api", model="flowers", features=ROW)
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct", picked_by="manual")
    run_export(folder)
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="incorrect", true_value=9, picked_by="manual")
    assert "Exported 0 predictions and 2 reviews" in run_export(folder)
    assert "Exported 0 predictions and 0 reviews" in run_export(folder)
    (accuracy,) = (statement for statement in STATEMENTS if "AS accuracy" in statement)
    assert query(folder, accuracy.replace("'digits'", "'flowers'")) == [(prediction.created_at.date(), 0.0, 1)]
    assert query(folder, "SELECT count(*) FROM reviews") == [(3,)]
    assert Review.objects.count() == 2


def test_predictions_are_partitioned_by_day_and_since_skips_earlier_ones(flowers, user, folder):
    for day in (1, 2, 2, 3):
        make_old(flowers, user, datetime(2026, 1, day, 23, 59, tzinfo=UTC))
    run_export(folder, "--since", "2026-01-02")
    names = sorted(path.parent.relative_to(folder).as_posix() for path in folder.rglob("*.parquet"))
    assert names == [f"predictions/model=flowers/day=2026-01-0{day}" for day in (2, 3)]
    assert query(folder, "SELECT count(*) FROM predictions WHERE day = DATE '2026-01-02'") == [(2,)]
    manifest = json.loads((folder / names[0] / "_manifest.json").read_text())
    assert (manifest["schema_version"], [file["rows"] for file in manifest["files"]]) == (1, [2])
    stored = pq.read_table(folder / names[0] / manifest["files"][0]["name"], partitioning=None).schema
    assert stored.metadata[b"mlsite.schema_version"] == b"1"
    assert stored.remove_metadata() == PREDICTION_SCHEMA.remove_metadata()


def test_rows_that_are_new_or_not_final_wait_for_the_next_export(flowers, user, folder):
    now = datetime.now(UTC)
    old, later = (make_old(flowers, user, now - timedelta(hours=hours)) for hours in (3, 1))
    open_fields = {"status": "running", "output": None, "value": None, "completed_at": None}
    queued = make_old(flowers, user, now - timedelta(hours=2), **open_fields)
    row = QueuedPrediction.objects.create(prediction=queued)
    assert "Exported 1 prediction " in run_export(folder)
    row.delete()
    Prediction.objects.filter(pk=queued.pk).update(status="succeeded", output={}, completed_at=now)
    assert "Exported 1 prediction " in run_export(folder, "--older-than", 5400)
    assert list_ids(folder) == sorted([str(old.pk), str(queued.pk)])
    assert "Exported 1 prediction " in run_export(folder)
    assert str(later.pk) in list_ids(folder)


def test_users_are_pseudonyms_unless_names_are_requested(flowers, user, other, folder, tmp_path):
    for owner in (user, user, other, None):
        make_old(flowers, owner, datetime(2026, 1, 1, tzinfo=UTC))
    run_export(folder)
    found = [name for (name,) in query(folder, 'SELECT "user" FROM predictions')]
    assert len(set(found)) == 3 and None in found
    content = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert user.username not in found and str(user.pk).encode() not in content
    run_export(tmp_path / "names", "--usernames")
    assert {name for (name,) in query(tmp_path / "names", 'SELECT "user" FROM predictions')} == {"ada", "eve", None}
    assert "another users" in run_export(folder, "--usernames")


def test_erased_data_is_not_exported(shades, reviews, other, reviewer, folder):
    image = make_prediction(other, make_image(0), model="shades", name="secret-name.png", client_reference="secret-order")
    predict(user=other, source="api", model="reviews", text="secret text")
    review_prediction(prediction=image, reviewer=reviewer, verdict="incorrect", true_label="white", comment="secret words")
    before = (str(image.input.image), image.input.sha256, build_pseudonym(other.pk, None))
    start_erasure(user=other)
    resume_erasures()
    run_export(folder, "--usernames")
    assert list_ids(folder) == list_stored_ids()
    columns = "text, label, client_reference, image, scores, output, features"
    for row in query(folder, f'SELECT "user", {columns} FROM predictions'):
        assert [value for value in row if value not in (None, "{}")] == []
    for path in folder.rglob("*.parquet"):
        values = repr(pq.read_table(path).to_pylist())
        assert [text for text in ("secret", "eve", *before) if text in values] == []


def test_a_destination_keeps_its_model_and_its_schema(flowers, shades, user, folder, monkeypatch):
    make_old(flowers, user, datetime(2026, 1, 1, tzinfo=UTC))
    make_prediction(user, model="shades")
    assert "Exported 1 prediction " in run_export(folder, "--model", "flowers")
    assert "another model: flowers" in run_export(folder)
    assert "no registered model tulips" in run_export(folder, "--model", "tulips")
    monkeypatch.setattr("predictions.services.parquet.state.SCHEMA_VERSION", 2)
    assert "schema version 1" in run_export(folder, "--model", "flowers")


def test_reviews_have_the_documented_columns(flowers, user, reviewer, folder):
    prediction = predict(user=user, source="api", model="flowers", features=ROW)
    review_prediction(
        prediction=prediction, reviewer=reviewer, verdict="incorrect", true_value=4, picked_by="manual", comment="c"
    )
    run_export(folder)
    (path,) = folder.glob("reviews/*/*/*.parquet")
    assert pq.read_table(path, partitioning=None).schema.names == REVIEW_SCHEMA.names
    assert query(folder, "SELECT verdict, true_value, true_label FROM reviews") == [("incorrect", 4.0, None)]
