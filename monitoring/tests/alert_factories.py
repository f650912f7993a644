"""Builders of predictions, rollups, and evaluations for tests of alerts."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from monitoring.models import Alert, AlertRule
from monitoring.services.alerts import evaluate_alerts
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import make_outcomes
from monitoring.windows import HOUR, round_down
from predictions.models import Input, Prediction

EVALUATION_DELAY = timedelta(minutes=16)  # after the hour: it is rolled up 15 minutes after its end


def get_hour(hours_ago=0):
    """Return the start of an hour that can be evaluated: by default the newest one."""
    return round_down(timezone.now() - EVALUATION_DELAY, HOUR) - (1 + hours_ago) * HOUR


def use_only(metric, **changes):
    """Turn off all rules except one, change it, and return it."""
    AlertRule.objects.exclude(metric=metric).update(is_enabled=False)
    rules = AlertRule.objects.filter(metric=metric)
    rules.update(evaluated_at=None, **changes)
    return rules.get(model=None)


def evaluate_hour(hour, version=None, user=None, *, since=None, **outcomes):
    """Store predictions of an hour, roll up, evaluate all rules after the hour, and return the open alerts.

    Args:
        since: roll up the hours from this one only.
    """
    if version:
        make_outcomes(version, user, hour + timedelta(minutes=10), **outcomes)
    now = hour + HOUR + EVALUATION_DELAY
    roll_up(now=now, since=since)
    evaluate_alerts(now=now)
    return list(Alert.objects.filter(resolved_at=None).select_related("state__rule", "state__model"))


def make_timed_predictions(version, time, *, count, milliseconds):
    """Store successful predictions with an inference time."""
    row = Input.objects.create(kind="tabular", features={}, sha256="0" * 64, size=1)
    common = {"created_at": time, "completed_at": time, "source": "api", "status": "succeeded", "output": {}}
    times = {"preprocess_ms": 0.0, "queue_ms": 0.0, "inference_ms": milliseconds}
    rows = [Prediction(input=row, model_version=version, label="white", **common, **times) for _ in range(count)]
    Prediction.objects.bulk_create(rows)


def make_confident_predictions(version, time, *, count, confidence, label="white"):
    """Store successful predictions with a confidence and a label."""
    row = Input.objects.create(kind="tabular", features={}, sha256="0" * 64, size=1)
    common = {"created_at": time, "completed_at": time, "source": "api", "status": "succeeded", "output": {}}
    values = {"label": label, "confidence": confidence}
    Prediction.objects.bulk_create(Prediction(input=row, model_version=version, **common, **values) for _ in range(count))
