"""What people do with alerts and their rules: acknowledge, mute, and change thresholds. The audit log records it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone, translation
from django.utils.translation import gettext

from accounts.models import User
from accounts.services.audit import Action, AuditObject, record_action
from core.locks import lock_row
from monitoring.alerts.metrics import METRICS
from monitoring.models import Alert, AlertRule, AlertState
from monitoring.services.alerts import resolve_alerts
from registry.models import RegisteredModel

EDITABLE_FIELDS = ("is_enabled", "threshold", "resolve_threshold", "opens_after", "resolves_after")


def create_default_rules() -> None:
    """Create the default rule of each metric unless it exists. It runs after each migration."""
    existing = set(AlertRule.objects.filter(model=None).values_list("metric", flat=True))
    AlertRule.objects.bulk_create(
        [
            AlertRule(
                metric=metric.name,
                threshold=metric.threshold,
                resolve_threshold=metric.resolve_threshold,
                opens_after=metric.opens_after,
                resolves_after=metric.resolves_after,
            )
            for metric in METRICS.values()
            if metric.name not in existing
        ],
        ignore_conflicts=True,  # another process may migrate the same database
    )


@transaction.atomic
def acknowledge_alert(*, alert: Alert, user: User) -> None:
    """Record that a user takes care of an open alert: no more reminders are sent. The first user stays recorded.

    Raises:
        RowDeleted: the alert was deleted.
    """
    rows = Alert.objects.filter(pk=lock_row(alert).pk, resolved_at=None, acknowledged_at=None)
    if rows.update(acknowledged_at=timezone.now(), acknowledged_by=user):
        record_action(action=Action.ALERT_ACKNOWLEDGED, actor=user, on=_describe_alert(alert))


@transaction.atomic
def mute_alert(*, alert: Alert, duration: timedelta) -> None:
    """Send no notifications about the rule and the model of an alert for some time, also not about later alerts.

    Raises:
        RowDeleted: the alert was deleted.
    """
    until = timezone.now() + duration
    AlertState.objects.filter(pk=lock_row(alert).state_id).update(muted_until=until)
    record_action(action=Action.ALERT_MUTED, on=_describe_alert(alert), details={"until": until.isoformat()})


@transaction.atomic
def unmute_alert(*, alert: Alert) -> None:
    """Send notifications about the rule and the model of an alert again.

    Raises:
        RowDeleted: the alert was deleted.
    """
    if AlertState.objects.filter(pk=lock_row(alert).state_id).exclude(muted_until=None).update(muted_until=None):
        record_action(action=Action.ALERT_UNMUTED, on=_describe_alert(alert))


@transaction.atomic
def save_rule(*, rule: AlertRule, fields: Collection[str] = EDITABLE_FIELDS) -> AlertRule:
    """Store a new rule, or change fields of a stored one. The alerts of a rule that is turned off are resolved.

    The rule of a model replaces the default rule for it, whose open alert is resolved.

    Args:
        fields: those of a stored rule that are written. Another user may have changed the others.

    Raises:
        ValidationError: a value is invalid, or the model has a rule for the metric already.
        RowDeleted: the rule was deleted.
    """
    before = None
    if not rule._state.adding:
        changed, rule = rule, lock_row(rule)
        before = {name: getattr(rule, name) for name in EDITABLE_FIELDS}
        for name in fields:
            setattr(rule, name, getattr(changed, name))
    rule.full_clean()
    rule.save(update_fields=None if before is None else fields)  # an evaluation may run at the same time
    _record_values(rule, before)
    if not rule.is_enabled:
        _resolve_changed(AlertState.objects.filter(rule=rule))
    if rule.model_id:
        replaced = AlertState.objects.filter(rule__metric=rule.metric, rule__model=None, model=rule.model_id)
        _resolve_changed(replaced)
    return rule


def create_model_rule(*, metric: str, model: RegisteredModel) -> AlertRule:
    """Create a rule for one model with the values of the default rule.

    Raises:
        ValidationError: the model has a rule for the metric already, or the metric belongs to the site.
    """
    default = AlertRule.objects.get(metric=metric, model=None)
    names = ("threshold", "resolve_threshold", "opens_after", "resolves_after")
    return save_rule(rule=AlertRule(metric=metric, model=model, **{name: getattr(default, name) for name in names}))


@transaction.atomic
def delete_rule(*, rule: AlertRule) -> None:
    """Delete the rule of a model with its alerts. The default rule of the metric applies to the model again.

    Raises:
        ValidationError: it is a default rule.
        RowDeleted: the rule was deleted already.
    """
    if rule.model_id is None:
        raise ValidationError(gettext("A default rule cannot be deleted. Turn it off instead."))
    lock_row(rule)
    record_action(action=Action.ALERT_RULE_DELETED, on=_describe_rule(rule))
    rule.delete()


def _record_values(rule: AlertRule, before: Mapping[str, Any] | None) -> None:
    """Record the values of a new rule, or those that have changed."""
    after = {name: getattr(rule, name) for name in EDITABLE_FIELDS}
    if before is None:
        record_action(action=Action.ALERT_RULE_CREATED, on=_describe_rule(rule), details=after)
    elif changes := {name: {"from": before[name], "to": after[name]} for name in after if before[name] != after[name]}:
        record_action(action=Action.ALERT_RULE_CHANGED, on=_describe_rule(rule), details=changes)


def _describe_alert(alert: Alert) -> AuditObject:
    """Return an alert as the object of an action, with its name in the language of the site."""
    with translation.override(settings.LANGUAGE_CODE):
        return AuditObject("alert", alert.pk, alert.title)


def _describe_rule(rule: AlertRule) -> AuditObject:
    """Return a rule as the object of an action, with its name in the language of the site."""
    with translation.override(settings.LANGUAGE_CODE):
        return AuditObject("alert rule", rule.pk, str(rule))


def _resolve_changed(states: QuerySet[AlertState]) -> None:
    """Resolve the open alerts of states to which their rule does not apply anymore."""
    states.update(breach_count=0, recovery_count=0)
    alerts = list(Alert.objects.filter(state__in=states, resolved_at=None))
    resolve_alerts(alerts=alerts, resolution=Alert.Resolution.RULE_CHANGED, now=timezone.now())
