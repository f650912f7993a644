"""Each rule opens an alert and resolves it, with real rollups, queues, and disks."""

from datetime import timedelta

import pytest
from django.utils import timezone

from events.models import Delivery, Event
from monitoring.alerts.measures import get_slot
from monitoring.alerts.metrics import FREQUENT
from monitoring.models import Alert, AlertRule, AlertState
from monitoring.services.alert_actions import save_rule
from monitoring.services.alerts import evaluate_alerts
from monitoring.services.rollup import roll_up
from monitoring.tests.alert_factories import (
    evaluate_hour,
    get_hour,
    make_confident_predictions,
    make_timed_predictions,
    use_only,
)
from monitoring.tests.factories import make_outcomes
from monitoring.windows import DAY, HOUR
from predictions.models import BatchJob, Prediction
from predictions.tests.factories import change_predictions

pytestmark = pytest.mark.django_db


def get_resolution():
    return Alert.objects.get().resolution


def test_failures_open_an_alert_per_model(shades, flowers, user):
    use_only("failure_rate")
    make_outcomes(flowers, user, get_hour(2) + timedelta(minutes=5), succeeded=90)
    (alert,) = evaluate_hour(get_hour(2), shades, user, succeeded=30, failed=10)
    assert (alert.state.model, alert.value, alert.threshold) == (shades.model, 0.25, 0.1)
    (alert,) = evaluate_hour(get_hour(1), shades, user, succeeded=99, failed=1)  # recovered once
    assert (alert.value, alert.worst_value) == (0.01, 0.25)
    assert evaluate_hour(get_hour(0), shades, user, succeeded=99) == []
    assert get_resolution() == "recovered"


def test_latency_opens_after_two_hours(shades):
    use_only("latency", resolves_after=1)
    for hours_ago, milliseconds, count in ((3, 2500, 0), (2, 2600, 1), (1, 1700, 1), (0, 1400, 0)):
        make_timed_predictions(shades, get_hour(hours_ago), count=40, milliseconds=milliseconds)
        assert len(evaluate_hour(get_hour(hours_ago))) == count
    assert (Alert.objects.get().worst_value, get_resolution()) == (2600, "recovered")


def test_missing_predictions_open_an_alert_of_the_volume_only(shades, user):
    AlertRule.objects.filter(metric__in=["disk", "drift", "event_lag"]).update(is_enabled=False)
    AlertRule.objects.update(opens_after=1, resolves_after=1)
    hour = get_hour(0)
    make_outcomes(shades, user, hour - 9 * DAY, succeeded=1)
    make_outcomes(shades, user, hour - 7 * DAY, succeeded=40)
    make_outcomes(shades, user, hour - 2 * HOUR, succeeded=8)
    (alert,) = evaluate_hour(hour)
    assert (alert.state.rule.metric, alert.value) == ("volume", 0.2)
    assert [state.value for state in AlertState.objects.exclude(rule__metric__in=["volume", "backlog"])] == []
    make_outcomes(shades, user, hour + HOUR, succeeded=30)
    assert evaluate_hour(hour + HOUR) == []
    assert get_resolution() == "recovered"


def test_the_volume_is_not_compared_while_hours_are_missing(shades, user):
    use_only("volume", opens_after=1)
    hour = get_hour(0)
    make_outcomes(shades, user, hour - 9 * DAY, succeeded=1)
    make_outcomes(shades, user, hour - 7 * DAY, succeeded=40)
    queued = make_outcomes(shades, user, hour - 3 * HOUR, succeeded=1)[0]
    change_predictions(
        Prediction.objects.filter(pk=queued.pk), status="queued", completed_at=None, output=None, label="", confidence=None
    )
    assert evaluate_hour(hour) == []
    assert not AlertState.objects.exists()


def test_a_drop_of_the_confidence_opens_an_alert(shades):
    use_only("confidence", opens_after=1, resolves_after=1)
    hour = get_hour(1)
    make_confident_predictions(shades, hour - 3 * DAY, count=40, confidence=0.9)
    make_confident_predictions(shades, hour, count=40, confidence=0.8)
    (alert,) = evaluate_hour(hour)
    assert alert.value == pytest.approx(0.1)
    make_confident_predictions(shades, hour + HOUR, count=600, confidence=0.95)  # higher than before: no drop
    assert evaluate_hour(hour + HOUR) == []
    assert AlertState.objects.get().value == 0


def test_drift_of_the_production_version_opens_an_alert(shades):
    use_only("drift", opens_after=1, resolves_after=1)
    hour = get_hour(0).replace(hour=12) - DAY  # drift is evaluated after midnight
    make_confident_predictions(shades, hour - 10 * DAY, count=60, confidence=0.9, label="black")
    make_confident_predictions(shades, hour - 3 * DAY, count=60, confidence=0.6, label="white")
    (alert,) = evaluate_hour(hour, since=hour)
    assert (alert.value, alert.state.model) == (1, shades.model)  # the label and the confidence
    assert len(evaluate_hour(hour + HOUR, since=hour)) == 1
    assert len(AlertState.objects.get().history) == 1  # once a day
    change_predictions(Prediction.objects.all(), label="black", confidence=0.9)
    assert evaluate_hour(hour + DAY, since=hour + DAY) == []


def test_old_work_opens_an_alert_of_the_backlog(shades, user):
    use_only("backlog", opens_after=2, resolves_after=1)
    now = get_slot(timezone.now(), FREQUENT)
    job = BatchJob.objects.create(
        user=user, model_version=shades, kind="images", status="queued", reference="shades", total_items=1,
        created_at=now - 20 * timedelta(minutes=1),
    )  # fmt: skip
    evaluate_alerts(now=now)
    evaluate_alerts(now=now + timedelta(seconds=1))  # the same five minutes
    assert not Alert.objects.exists()
    evaluate_alerts(now=now + timedelta(minutes=6))
    assert Alert.objects.get().value == pytest.approx(26 * 60, abs=2)
    BatchJob.objects.filter(pk=job.pk).update(status="canceled", completed_at=now)
    evaluate_alerts(now=now + timedelta(minutes=12))
    assert get_resolution() == "recovered"


def test_events_that_no_relay_delivers_open_an_alert(settings):
    use_only("event_lag", opens_after=1, resolves_after=1)
    settings.EVENT_SINKS = ["jsonl"]
    now = get_slot(timezone.now(), FREQUENT)
    event = Event.objects.create(type="prediction.succeeded", subject="x", key="x", created_at=now - HOUR)
    evaluate_alerts(now=now)
    assert Alert.objects.get().value == 3600
    Event.objects.filter(pk=event.pk).update(is_fanned_out=True)
    Delivery.objects.create(event=event, target="webhook:x")  # of a user
    evaluate_alerts(now=now + timedelta(minutes=6))
    assert get_resolution() == "recovered"
    Delivery.objects.create(event=event, target="jsonl")
    evaluate_alerts(now=now + timedelta(minutes=12))
    assert Alert.objects.filter(resolved_at=None).count() == 1


def test_a_full_disk_opens_an_alert():
    rule = use_only("disk", threshold=1, resolve_threshold=1, opens_after=1, resolves_after=1)  # any disk is too full
    now = timezone.now()
    evaluate_alerts(now=now)
    assert 0 < Alert.objects.get().value < 1
    AlertRule.objects.filter(pk=rule.pk).update(threshold=0, resolve_threshold=0)
    evaluate_alerts(now=now + timedelta(minutes=6))
    assert get_resolution() == "recovered"


def test_an_alert_without_data_for_a_day_resolves(shades, user):
    use_only("failure_rate")
    hour = get_hour(0)
    assert len(evaluate_hour(hour, shades, user, failed=40)) == 1
    for hours in (1, 23):
        assert len(evaluate_hour(hour + hours * HOUR)) == 1
    assert evaluate_hour(hour + DAY) == []
    assert get_resolution() == "no-data"


def test_few_predictions_and_old_hours_open_no_alert(shades, user):
    use_only("failure_rate")
    assert evaluate_hour(get_hour(1), shades, user, failed=29) == []
    make_outcomes(shades, user, get_hour(1), failed=100)
    roll_up()
    evaluate_alerts(now=timezone.now() + 12 * HOUR)  # the newest rollup is old: the server was stopped
    assert not Alert.objects.exists()


def test_each_metric_has_a_default_rule():
    rules = AlertRule.objects.filter(model=None, is_enabled=True)
    assert set(rules.values_list("metric", flat=True)) == {
        *("failure_rate", "latency", "volume", "confidence", "drift", "backlog", "event_lag", "disk"),
    }
    for rule in rules:
        rule.full_clean()


def test_a_form_that_was_open_during_an_evaluation_does_not_repeat_it(shades, user):
    opened_form = use_only("failure_rate", opens_after=3)
    evaluate_hour(get_hour(0), shades, user, failed=40)
    save_rule(rule=opened_form)
    evaluate_hour(get_hour(0))
    assert AlertState.objects.get().breach_count == 1
