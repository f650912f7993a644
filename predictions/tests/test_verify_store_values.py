"""I12 and I13: references to rows that do not exist, and predictions that differ from their output."""

import pytest
from django.db import transaction
from uuid_utils.compat import uuid7

from predictions.models import Input, Prediction, Review
from predictions.services.reviews import review_prediction
from predictions.services.verification import verify_store

pytestmark = pytest.mark.django_db
SCORES = {"a": 0.75, "b": 0.25}
VALID = [
    ({"scores": SCORES}, {"label": "a", "confidence": 0.75}),
    ({"scores": SCORES}, {"label": "b", "confidence": 0.25}),  # the model or a threshold decides
    ({"scores": SCORES, "labels": ["a"]}, {}),
    ({"label": "a"}, {"label": "a"}),
    ({"value": 1.5}, {"value": 1.5}),
    ({"raw": [1, 2]}, {}),
    ({}, {}),
]


def find_breaches(invariant):
    return [breach for breach in verify_store(reads_files=False).breaches if breach.invariant == invariant]


def test_references_to_missing_rows_are_found(variety, user):
    review_prediction(prediction=variety[0], reviewer=user, verdict="correct")
    rows = {Input.objects.first(): "user_id", Review.objects.first(): "reviewer_id"}
    missing = uuid7()
    with transaction.atomic():  # the database checks references at the end of the transaction
        for row, name in rows.items():
            type(row).objects.filter(pk=row.pk).update(**{name: missing})
        breaches = find_breaches("I12")
        transaction.set_rollback(True)
    assert {breach.id for breach in breaches} == {str(row.pk) for row in rows}
    assert all(f"refers to {missing}" in breach.message for breach in breaches)
    assert find_breaches("I12") == []


def test_predictions_that_differ_from_their_output_are_found(variety):
    def store(output, values):
        row = Prediction(input=variety[0].input, model_version=variety[0].model_version, output=output, **values)
        row.status, row.source = "succeeded", "api"
        row.started_at = row.completed_at = row.created_at
        return row

    valid = [store(output, values) for output, values in VALID]
    wrong = [
        store(output, values | change)
        for output, values in VALID
        for change in ({"label": "other"}, {"confidence": 0.5}, {"value": 2.5})
    ]
    Prediction.objects.bulk_create(valid + wrong)
    assert {breach.id for breach in find_breaches("I13")} == {str(row.pk) for row in wrong}
