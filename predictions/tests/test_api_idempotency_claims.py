"""Keys that are in use, taken over, released, or deleted."""

import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.api import idempotency
from accounts.models import IdempotencyKey
from accounts.services.idempotency import LEASE_SECONDS, delete_expired_keys
from core.tests.problems import assert_problem
from inference.errors import Overloaded
from inference.predictor import Predictor
from predictions.models import Input, Prediction, Review
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_prediction
from predictions.tests.idempotency import FLOWER, GROUND_TRUTH_URL, KEY, assert_replayed, edit_key, post, post_image

pytestmark = pytest.mark.django_db


def test_a_request_whose_key_is_in_use_is_refused(flowers, api, monkeypatch):
    responses = []
    claim_key = idempotency.claim_key

    def claim_and_send_again(**arguments):
        claim = claim_key(**arguments)
        monkeypatch.undo()
        responses.append(post(api))
        return claim

    monkeypatch.setattr(idempotency, "claim_key", claim_and_send_again)
    first = post(api)
    assert first.status_code == 201
    (refused,) = responses
    assert_problem(refused, 409, "idempotency-key-in-use")
    assert refused["Retry-After"] == "1"
    assert_replayed(post(api), first)


@pytest.mark.parametrize("seconds", [-1, LEASE_SECONDS + 3600], ids=["lease ended", "clock turned back"])
def test_a_key_is_taken_over_when_its_process_is_lost(flowers, api, seconds):
    first = post(api)
    Prediction.objects.all().delete()
    edit_key(status_code=None, leased_until=timezone.now() + timedelta(seconds=seconds))
    second = post(api)
    assert second.status_code == 201
    assert second.json()["id"] != first.json()["id"]
    assert_replayed(post(api), second)
    assert Prediction.objects.count() == 1


def test_a_key_is_not_taken_over_before_its_lease_ends(flowers, api):
    post(api)
    edit_key(status_code=None, leased_until=timezone.now() + timedelta(seconds=5))
    assert_problem(post(api), 409, "idempotency-key-in-use")
    assert Prediction.objects.count() == 1


def test_a_slow_request_that_has_lost_its_key_stores_nothing(shades, api, settings, monkeypatch):
    """Its lease ended while the model ran. Another request has stored the prediction meanwhile."""
    responses = []
    claim_key = idempotency.claim_key

    def claim_and_lose(**arguments):
        claim = claim_key(**arguments)
        monkeypatch.undo()
        edit_key(leased_until=timezone.now() - timedelta(seconds=1))
        responses.append(post_image(api))
        return claim

    def claim(**arguments):
        return claim_and_lose(**arguments)

    monkeypatch.setattr(idempotency, "claim_key", claim)
    assert_problem(post_image(api), 409, "idempotency-key-in-use")
    (second,) = responses
    assert second.status_code == 201
    assert_replayed(post_image(api), second)
    assert Prediction.objects.count() == Input.objects.count() == len(list_stored_files(settings)) == 1


def test_an_invalid_request_does_not_use_up_the_key(flowers, api):
    assert_problem(post(api, {**FLOWER, "features": {}}), 400, "invalid-features")
    assert_problem(post(api, {**FLOWER, "model": "nope"}), 404, "unknown-model")
    assert_problem(post(api, {**FLOWER, "user": 1}), 400, "unknown-field")
    assert_problem(
        api.post(PREDICTIONS_URL, "{", "application/json", headers={"idempotency-key": KEY}), 400, "malformed-json"
    )
    assert_problem(
        api.post(PREDICTIONS_URL, "a", "text/plain", headers={"idempotency-key": KEY}), 415, "unsupported-media-type"
    )
    assert not IdempotencyKey.objects.exists()
    assert post(api).status_code == 201


def test_an_overloaded_model_does_not_use_up_the_key(flowers, api, monkeypatch):
    def refuse(*args, **options):
        raise Overloaded("The queue of the model is full.")

    post(api, key=None)  # loads the model
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", refuse)
        assert_problem(post(api), 503, "overloaded")
    assert not IdempotencyKey.objects.exists()
    assert post(api).status_code == 201


def test_a_full_disk_does_not_use_up_the_key(shades, api, fill_disk):
    assert_problem(post_image(api), 507, "storage-full")
    assert not IdempotencyKey.objects.exists()
    assert not Prediction.objects.exists()


def test_an_unexpected_error_does_not_use_up_the_key(flowers, api, monkeypatch):
    def fail(*args, **options):
        raise ZeroDivisionError

    api.raise_request_exception = False
    post(api, key=None)  # loads the model
    with monkeypatch.context() as patch:
        patch.setattr(Predictor, "predict", fail)
        assert_problem(post(api), 500, "internal-error")
    assert not IdempotencyKey.objects.exists()


def test_a_stored_failure_is_repeated(register_failing, api):
    register_failing(nan=True)
    first = post_image(api, model="failing")
    assert_problem(first, 500, "model-output-invalid")
    assert_replayed(post_image(api, model="failing"), first)
    assert Prediction.objects.get().status == "failed"


def test_a_rejected_row_stores_neither_key_nor_file(shades, api, settings, monkeypatch):
    """The database refuses the prediction in the transaction that would store the response."""
    monkeypatch.setattr(Prediction, "compute_margin", lambda self: "no number")
    api.raise_request_exception = False
    assert_problem(post_image(api), 500, "internal-error")
    assert not list_stored_files(settings)
    assert not IdempotencyKey.objects.exists()
    assert not Input.objects.exists()


def test_reviews_and_ground_truth_are_stored_once(shades, api, user):
    prediction = make_prediction(user)
    url = f"{PREDICTIONS_URL}{prediction.pk}/reviews/"
    first = post(api, {"verdict": "correct"}, url=url)
    assert first.status_code == 201
    assert_replayed(post(api, {"verdict": "correct"}, url=url), first)
    assert Review.objects.count() == 1
    assert api.delete(url, headers={"idempotency-key": KEY}).status_code == 204
    body = {"items": [{"id": str(prediction.pk), "verdict": "correct"}, {"id": str(uuid.uuid4()), "verdict": "correct"}]}
    first = post(api, body, url=GROUND_TRUTH_URL, key="other")
    assert first.json()["accepted"] == 1
    assert_replayed(post(api, body, url=GROUND_TRUTH_URL, key="other"), first)
    assert Review.objects.count() == 2
    assert_problem(post(api, {"verdict": "no"}, url=url, key="third"), 400, "invalid-choice")
    assert post(api, {"verdict": "unsure"}, url=url, key="third").status_code == 201


def test_a_key_without_a_token_is_refused_and_not_stored(flowers, client):
    assert_problem(post(client), 401, "not-authenticated")
    assert not IdempotencyKey.objects.exists()


def test_keys_expire(flowers, api, settings):
    first = post(api)
    edit_key(created_at=timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS - 1))
    assert delete_expired_keys() == 0
    assert_replayed(post(api), first)
    edit_key(created_at=timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS, seconds=1))
    assert "Idempotent-Replayed" not in post(api)
    assert Prediction.objects.count() == 2


def test_expired_keys_are_deleted_in_batches(user, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr("accounts.services.idempotency.MAX_DELETED_KEYS", 2)
    now = timezone.now()
    IdempotencyKey.objects.bulk_create(
        IdempotencyKey(user=user, key=str(hours), created_at=now - timedelta(hours=hours)) for hours in (1, 23, 25, 26, 27)
    )
    with django_assert_num_queries(4):
        assert delete_expired_keys() == 3
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {"1", "23"}
