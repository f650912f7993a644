"""Make many predictions at once: what is stored, and what is not stored when an item or the whole batch fails."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, transaction

from core.storage_errors import StorageFull
from inference.errors import InvalidFeatures, InvalidInput
from inference.messages import MAX_HINTED_ERRORS
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Input, Prediction
from predictions.services import inserts, predict
from predictions.services.batch import BatchItem, predict_batch
from predictions.services.stored_files import read_stored_file
from predictions.tests.factories import list_stored_files, make_prediction
from registry.references import resolve_model
from registry.services import register_model

pytestmark = pytest.mark.django_db(transaction=True)

ROW = {"petals": 5, "length": 4, "colour": "white"}


def run(user, model, items, **options):
    return predict_batch(user=user, source="batch", items=items, resolved=resolve_model(model, user=user), **options)


def make_item(data, **options):
    return BatchItem(image=ContentFile(data, name="a.png"), **options)


def test_each_item_has_the_result_of_a_single_prediction_in_order(shades, user):
    images = [make_noise_image(seed) for seed in range(5)] + [make_image(shade) for shade in (0, 127, 255)]
    results = run(user, "shades", [make_item(data, client_reference=f"n{n}") for n, data in enumerate(images)])
    singles = [predict(user=user, source="api", image=ContentFile(data, name="a.png"), model="shades") for data in images]
    assert [result.error for result in results] == [None] * len(images)
    stored = {row.client_reference: row for row in Prediction.objects.filter(source="batch").select_related("input")}
    for number, (data, single) in enumerate(zip(images, singles, strict=True)):
        prediction = stored[f"n{number}"]
        assert prediction == results[number].prediction
        assert (prediction.label, prediction.status, prediction.warnings) == (single.label, "succeeded", single.warnings)
        assert prediction.output["scores"] == pytest.approx(single.output["scores"], abs=1e-5)
        assert prediction.margin == pytest.approx(single.margin, abs=1e-5)
        assert prediction.input.sha256 == single.input.sha256
        assert read_stored_file(prediction.input) == data
        assert prediction.created_at <= prediction.started_at <= prediction.completed_at
        assert min(prediction.preprocess_ms, prediction.queue_ms, prediction.inference_ms) >= 0
    ids = [result.prediction.id for result in results]
    assert ids == sorted(ids)


def test_an_invalid_item_does_not_affect_the_others(flowers, user, settings):
    items = [BatchItem(features=row) for row in (ROW, {**ROW, "petals": "many"}, None, [5, 4, "white"], ROW)]
    items += [make_item(make_image(0)), BatchItem(features=ROW, client_reference="x" * 256)]
    results = run(user, "flowers", items)
    assert [type(result.error) for result in results] == [
        type(None), InvalidFeatures, InvalidInput, InvalidInput, type(None), InvalidInput, InvalidInput,
    ]  # fmt: skip
    assert [getattr(result.error, "field", None) for result in results] == [
        None, "features", "features", "feature_order", None, "features", "client_reference",
    ]  # fmt: skip
    assert all((result.prediction is None) == (result.error is not None) for result in results)
    assert Prediction.objects.count() == Input.objects.count() == 2
    assert list_stored_files(settings) == []


def test_only_the_first_errors_of_a_batch_suggest_corrections(flowers, user):
    item = BatchItem(features={"petals": 5, "lenght": 4, "colour": "whit"})
    results = run(user, "flowers", [item] * MAX_HINTED_ERRORS)
    hints = [sum("Did you mean" in error.message for error in result.error.errors) for result in results]
    assert hints == [2] * (MAX_HINTED_ERRORS // 2) + [0] * (MAX_HINTED_ERRORS // 2)


@pytest.mark.parametrize("error", [RuntimeError, DatabaseError])
def test_nothing_is_stored_if_the_transaction_fails(shades, user, settings, error):
    def fail(results):
        assert Prediction.objects.count() == len(results) == 3
        raise error

    with pytest.raises(error):
        run(user, "shades", [make_item(make_noise_image(seed)) for seed in range(3)], in_transaction=fail)
    assert not Prediction.objects.exists()
    assert not Input.objects.exists()
    assert list_stored_files(settings) == []


def test_a_failure_in_an_open_transaction_removes_the_files(shades, user, settings):
    with pytest.raises(RuntimeError), transaction.atomic():
        run(user, "shades", [make_item(make_image(0))], in_transaction=lambda results: fail())
    assert list_stored_files(settings) == []


def fail():
    raise RuntimeError


def test_a_full_disk_stores_nothing(shades, user, settings, fill_disk):
    with pytest.raises(StorageFull):
        run(user, "shades", [make_item(make_noise_image(seed)) for seed in range(3)])
    assert not Prediction.objects.exists()
    assert list_stored_files(settings) == []


def test_a_failed_model_is_stored_for_each_item(register_failing, user):
    register_failing(fail="no")
    results = run(user, "failing", [make_item(make_noise_image(seed)) for seed in range(3)])
    single = predict(user=user, source="api", image=ContentFile(make_image(0), name="a.png"), model="failing")
    assert {result.prediction.error_code for result in results} == {single.error_code}
    assert Prediction.objects.filter(status="failed", output__isnull=True).count() == 4


def test_the_standby_runs_if_the_version_cannot_be_loaded(write_rows, flowers, user, settings):
    broken = register_model(path=write_rows(factor=2), promote=True)
    Path(settings.MODEL_ROOT, broken.artifact).unlink()
    results = run(user, "flowers", [BatchItem(features=ROW)] * 2)
    assert [result.prediction.model_version for result in results] == [flowers] * 2
    assert {row.model_version for row in Prediction.objects.all()} == {flowers}


def test_more_items_than_are_inserted_at_a_time(flowers, user, monkeypatch):
    monkeypatch.setattr(inserts, "MAX_COPIED_ROWS", 4)
    results = run(user, "flowers", [BatchItem(features={**ROW, "petals": number % 3}) for number in range(9)])
    assert list(Prediction.objects.order_by("id")) == [result.prediction for result in results]
    assert [result.prediction.value for result in results] == [
        predict(user=user, source="api", features={**ROW, "petals": number}, model="flowers").value for number in range(3)
    ] * 3


def test_an_empty_batch_calls_the_hook(flowers, user):
    called = []
    assert run(user, "flowers", [], in_transaction=called.append) == []
    assert called == [[]]


def test_a_rejected_row_of_a_batch_is_an_error_of_django(shades, user):
    """PostgreSQL copies the rows of a batch. Responses to errors of the database depend on their class."""
    prediction = make_prediction(user)
    with pytest.raises(IntegrityError), transaction.atomic():
        inserts.insert_batch([prediction])
    assert Prediction.objects.count() == 1
