"""The number of predictions of a version, and the time of the last one."""

from itertools import combinations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from predictions.models import Prediction, PredictionCount, SummaryProgress
from predictions.tests.factories import make_prediction
from predictions.tests.plans import explain, on_postgresql
from predictions.usage import (
    DAY,
    PREDICTIONS,
    Usage,
    count_succeeded,
    count_succeeded_between,
    count_usage,
    round_down_to_day,
)
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = pytest.mark.django_db


@on_postgresql
def test_usage_reads_the_index_on_version_and_id(shades, write_dummy, user):
    """A version without predictions must not cause a walk through the primary key."""
    row = make_prediction(user)
    columns = ["input_id", "model_version_id", "user_id", "status", "source", "output", "label", "warnings", "created_at"]
    values = {name: getattr(row, name) for name in columns} | {"completed_at": row.created_at}
    Prediction.objects.bulk_create(Prediction(**values) for _ in range(2000))
    unused = register_model(path=write_dummy())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE predictions_prediction")
    with CaptureQueriesContext(connection) as captured:
        usage = count_usage(list(ModelVersion.objects.filter(pk__in=[shades.pk, unused.pk])))
    newest = Prediction.objects.order_by("-id").first().created_at
    assert usage == {shades.pk: Usage(1000, newest), unused.pk: Usage(0, None)}
    plan = explain(query["sql"] for query in captured if "usage_count" in query["sql"])
    assert "prediction_version_id" in plan
    assert f"Filter: (model_version_id = '{unused.pk}'" not in plan


def test_removed_predictions_of_whole_days_are_counted(shades, user):
    today = round_down_to_day(make_prediction(user).created_at)
    SummaryProgress.objects.create(name=PREDICTIONS, until=today)
    for age, count in ((1, 100), (2, 20), (3, 3)):
        PredictionCount.objects.create(day=today - age * DAY, model_version=shades, user=user, count=count)
    moments = [today + number * DAY / 2 for number in range(-6, 4)]
    for start, end in combinations(moments, 2):
        expected = count_succeeded(shades, since=start) - count_succeeded(shades, since=end)
        assert count_succeeded_between(shades, start, end) == expected
    assert count_succeeded_between(shades, today - 2 * DAY, today + 2 * DAY) == 121
