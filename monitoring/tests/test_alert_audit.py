"""The audit log of alerts: who acknowledges and mutes them, and who changes their rules."""

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from accounts.models import AuditEntry
from monitoring.models import Alert, AlertRule, AlertState
from monitoring.services.alert_actions import (
    acknowledge_alert,
    create_default_rules,
    create_model_rule,
    delete_rule,
    mute_alert,
    save_rule,
    unmute_alert,
)
from monitoring.windows import DAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def alert(shades):
    state = AlertState.objects.create(rule=AlertRule.objects.get(metric="failure_rate"), model=shades.model)
    return Alert.objects.create(state=state, value=0.5, worst_value=0.5, threshold=0.1)


def list_entries():
    return [*AuditEntry.objects.filter(action__startswith="alert").order_by("pk")]


def list_actions():
    return [entry.action for entry in list_entries()]


def test_acknowledging_is_recorded_once_with_the_first_user(alert, user, other):
    acknowledge_alert(alert=alert, user=user)
    acknowledge_alert(alert=alert, user=other)
    (entry,) = list_entries()
    assert (entry.action, entry.actor, entry.object_type) == ("alert-acknowledged", user, "alert")
    assert (entry.object_id, entry.object_name) == (str(alert.pk), "Failure rate of shades")


def test_muting_is_recorded_with_its_end(alert):
    unmute_alert(alert=alert)
    assert list_entries() == []
    mute_alert(alert=alert, duration=7 * DAY)
    unmute_alert(alert=alert)
    muted, _ = list_entries()
    assert list_actions() == ["alert-muted", "alert-unmuted"]
    assert muted.details["until"] > muted.created_at.isoformat()


def test_changes_of_rules_are_recorded_with_the_values_before_and_after(shades):
    create_default_rules()
    rule = create_model_rule(metric="latency", model=shades.model)
    before = rule.threshold
    rule.is_enabled, rule.threshold = False, before + 1000
    with translation.override("de"):
        save_rule(rule=rule)
    save_rule(rule=rule)
    delete_rule(rule=rule)
    created, changed, deleted = list_entries()
    assert list_actions() == ["alert-rule-created", "alert-rule-changed", "alert-rule-deleted"]
    assert created.details["threshold"] == before
    assert changed.details == {
        "is_enabled": {"from": True, "to": False},
        "threshold": {"from": before, "to": before + 1000},
    }
    assert {entry.object_name for entry in (created, changed, deleted)} == {created.object_name}


def test_rejected_changes_are_not_recorded():
    rule = AlertRule.objects.get(metric="failure_rate")
    rule.threshold = 2
    with pytest.raises(ValidationError):
        save_rule(rule=rule)
    with pytest.raises(ValidationError, match="cannot be deleted"):
        delete_rule(rule=rule)
    assert list_entries() == []


def test_the_page_records_the_operator(alert, superuser, client):
    client.force_login(superuser)
    client.post(f"/operations/alerts/{alert.pk}/mute/", {"duration": "day"}, REMOTE_ADDR="192.0.2.7")
    (entry,) = list_entries()
    assert (entry.action, entry.actor, entry.address) == ("alert-muted", superuser, "192.0.2.7")
