"""Evaluate alert rules: open and resolve alerts, and queue the notifications about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from monitoring.alerts.channels import list_channels
from monitoring.alerts.hysteresis import Counts, append_value, count_evaluation, decide_change, is_notification_due
from monitoring.alerts.measures import MEASURES, Values, find_rolled_end, get_slot
from monitoring.alerts.messages import build_alert_message
from monitoring.alerts.metrics import FREQUENT, METRICS, Metric
from monitoring.models import Alert, AlertNotification, AlertRule, AlertState
from monitoring.services.notifications import queue_notification

EVALUATED_FIELDS = ("breach_count", "recovery_count", "history", "value", "measured_at")
STATES_PER_UPDATE = 100


@dataclass
class Evaluation:
    """One evaluation of a rule, and the alerts that people must hear of. Each list becomes one notification."""

    rule: AlertRule
    slot: datetime
    now: datetime
    opened: list[Alert] = field(default_factory=list)
    resolved: list[Alert] = field(default_factory=list)
    reminders: list[Alert] = field(default_factory=list)


def evaluate_alerts(*, now: datetime | None = None) -> int:
    """Evaluate the rules that are due, and return how many. A periodic job.

    Metrics of models are evaluated once per rolled up hour, drift once per day, and metrics of the site every five minutes.
    Several processes can run this at the same time: a rule is locked while its alerts change, and the time up to which it
    has been evaluated is stored in the same transaction.

    Args:
        now: for tests; defaults to the current time.
    """
    now = now or timezone.now()
    rolled_end = find_rolled_end(now)
    rules = list(AlertRule.objects.all())
    count = 0
    for metric in sorted(METRICS.values(), key=lambda metric: metric.interval):  # an error of drift stops no other rule
        end = now if metric.interval == FREQUENT else rolled_end
        if end is None:
            continue
        slot = get_slot(end, metric.interval)
        own = [rule for rule in rules if rule.metric == metric.name]
        due = [rule for rule in own if rule.is_enabled and (rule.evaluated_at is None or rule.evaluated_at < slot)]
        if due:
            values = MEASURES[metric.name](now if metric.interval == FREQUENT else slot)
            models_with_rule = {rule.model_id for rule in own if rule.model_id}
            count += sum(
                evaluate_rule(rule=rule, values=_select_values(rule, values, models_with_rule), slot=slot, now=now)
                for rule in due
            )
    return count


def _select_values(rule: AlertRule, values: Values, models_with_rule: set[UUID]) -> Values:
    """Return the values that a rule compares: those of its model, or of all models without a rule of their own."""
    if rule.model_id:
        return {model: value for model, value in values.items() if model == rule.model_id}
    return {model: value for model, value in values.items() if model not in models_with_rule}


@transaction.atomic
def evaluate_rule(*, rule: AlertRule, values: Values, slot: datetime, now: datetime) -> bool:
    """Compare the values of a rule with its thresholds, unless another process has done so in the meantime.

    Args:
        slot: the time up to which the values are measured.

    Returns:
        Whether the rule was evaluated.
    """
    locked = AlertRule.objects.select_for_update().filter(pk=rule.pk, is_enabled=True).first()
    if locked is None or (locked.evaluated_at is not None and locked.evaluated_at >= slot):
        return False
    states = {state.model_id: state for state in locked.states.select_related("model")}
    missing = [AlertState(rule=locked, model_id=model) for model in values if model not in states]
    states |= {state.model_id: state for state in AlertState.objects.bulk_create(missing)}
    open_alerts = {alert.state_id: alert for alert in Alert.objects.filter(state__rule=locked, resolved_at=None)}
    evaluation = Evaluation(locked, slot, now)
    for model, state in states.items():
        _evaluate_state(evaluation, state, open_alerts.get(state.pk), values.get(model))
    AlertState.objects.bulk_update(states.values(), EVALUATED_FIELDS, batch_size=STATES_PER_UPDATE)
    AlertRule.objects.filter(pk=locked.pk).update(evaluated_at=slot)
    _notify(evaluation)
    return True


def _evaluate_state(evaluation: Evaluation, state: AlertState, alert: Alert | None, value: float | None) -> None:
    """Compare the value of one model, or of the site, with the thresholds."""
    rule, slot = evaluation.rule, evaluation.slot
    counts = count_evaluation(rule, Counts(state.breach_count, state.recovery_count), value)
    state.breach_count, state.recovery_count = counts.breaches, counts.recoveries
    state.history = append_value(state.history, value)
    if value is not None:
        state.value, state.measured_at = value, slot
    change = decide_change(rule, counts, is_open=alert is not None, age=slot - (state.measured_at or slot))
    if alert is not None:
        alert.state = state
        _update_value(rule.definition, alert, value)
    elif change == "open" and value is not None:
        times = {"opened_at": evaluation.now}
        alert = Alert.objects.create(state=state, value=value, worst_value=value, threshold=rule.threshold, **times)
    if alert is None:
        return
    if change in (Alert.Resolution.RECOVERED, Alert.Resolution.NO_DATA):
        resolve_alerts(alerts=[alert], resolution=Alert.Resolution(change), now=evaluation.now)
        if alert.notified_at and not state.is_muted(evaluation.now):
            evaluation.resolved.append(alert)
    elif not (alert.acknowledged_at or state.is_muted(evaluation.now)) and is_notification_due(
        alert.notified_at, evaluation.now
    ):
        (evaluation.reminders if alert.notified_at else evaluation.opened).append(alert)


def _update_value(metric: Metric, alert: Alert, value: float | None) -> None:
    if value is None:
        return
    alert.value = value
    if metric.is_worse(value, alert.worst_value):
        alert.worst_value = value
    alert.save(update_fields=["value", "worst_value"])


def resolve_alerts(*, alerts: Sequence[Alert], resolution: Alert.Resolution, now: datetime) -> None:
    """Resolve open alerts, without a notification. Alerts that are resolved stay as they are."""
    for alert in alerts:
        alert.resolved_at, alert.resolution = now, resolution
    pks = [alert.pk for alert in alerts]
    Alert.objects.filter(pk__in=pks, resolved_at=None).update(resolved_at=now, resolution=resolution)


def _notify(evaluation: Evaluation) -> None:
    """Queue one notification per kind. Without a channel, nobody has been notified of an alert."""
    if not list_channels():
        return
    kinds = AlertNotification.Kind
    for kind, alerts in (
        (kinds.OPENED, evaluation.opened),
        (kinds.RESOLVED, evaluation.resolved),
        (kinds.REMINDER, evaluation.reminders),
    ):
        if alerts:
            queue_notification(kind=kind, message=build_alert_message(kind, alerts), now=evaluation.now)
            Alert.objects.filter(pk__in=[alert.pk for alert in alerts]).update(notified_at=evaluation.now)
