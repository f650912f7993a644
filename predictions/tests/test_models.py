"""Constraints, ids and visibility of inputs and predictions."""

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from inference.tests.factories import make_image
from predictions.models import Input, Prediction
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def create_input(**changes):
    fields = {"kind": "image", "image": "inputs/x.png", "sha256": "0" * 64, "size": 1, **changes}
    return Input.objects.create(**fields)


def create_prediction(version, **changes):
    fields = {"status": "succeeded", "source": "api", "output": {"scores": {}}, "completed_at": NOW, **changes}
    return Prediction.objects.create(input=create_input(), model_version=version, **fields)


@pytest.mark.parametrize(
    "changes",
    [
        {"image": ""},
        {"features": {"a": 1}},
        {"kind": "tabular"},
        {"kind": "tabular", "image": "", "features": None},
        {"kind": "sound"},
    ],
)
def test_an_input_without_exactly_one_content_is_rejected(changes):
    with pytest.raises(IntegrityError), transaction.atomic():
        create_input(**changes)


def test_an_input_with_features_is_accepted():
    assert create_input(kind="tabular", image="", features={"a": 1.5}).pk


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "done"},
        {"output": None},
        {"error_code": "model-failed"},
        {"completed_at": None},
        {"status": "failed", "output": None},
        {"status": "failed", "error_code": "model-failed"},
        {"status": "queued", "output": None},
        {"status": "canceled", "completed_at": None, "output": None},
        {"confidence": 1.01},
        {"confidence": -0.1},
    ],
)
def test_a_status_without_its_required_fields_is_rejected(shades, changes):
    with pytest.raises(IntegrityError), transaction.atomic():
        create_prediction(shades, **changes)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"status": "failed", "output": None, "error_code": "model-failed"},
        {"status": "queued", "output": None, "completed_at": None},
        {"status": "running", "output": None, "completed_at": None},
        {"status": "canceled", "output": None},
        {"confidence": 1.0},
    ],
)
def test_each_status_with_its_required_fields_is_accepted(shades, changes):
    assert create_prediction(shades, **changes).pk


def test_predictions_are_kept_when_their_user_is_deleted(shades, user):
    prediction = make_prediction(user)
    user.delete()
    prediction.refresh_from_db()
    assert (prediction.user, prediction.input.user) == (None, None)


def test_a_version_with_predictions_cannot_be_deleted(shades, user):
    make_prediction(user)
    with pytest.raises(ProtectedError):
        shades.delete()


def test_ids_are_uuid7_and_ordered_by_time(shades, user):
    ids = [make_prediction(user).id for _ in range(5)]
    assert ids == sorted(ids)
    assert {prediction_id.version for prediction_id in ids} == {7}


def test_scores_are_ranked_regardless_of_the_order_of_keys(shades, user):
    prediction = Prediction.objects.get(pk=make_prediction(user, make_image(127)).pk)
    assert next(label for label, _ in prediction.ranked_scores) == "grey"
    assert [score for _, score in prediction.ranked_scores] == sorted(prediction.output["scores"].values(), reverse=True)


def test_predictions_are_visible_to_their_owner_and_to_reviewers(shades, user, other, reviewer, superuser, make_user):
    make_prediction(user)
    staff = make_user(is_staff=True)
    inactive = make_user(is_active=False)
    counts = {
        person.username: Prediction.objects.visible_to(person).count()
        for person in (user, other, reviewer, superuser, staff, inactive)
    }
    assert list(counts.values()) == [1, 0, 1, 1, 0, 0]


def test_a_user_without_the_group_sees_only_their_own_predictions(shades, user, reviewer, django_user_model):
    make_prediction(user)
    reviewer.groups.clear()
    assert Prediction.objects.visible_to(django_user_model.objects.get(pk=reviewer.pk)).count() == 0
