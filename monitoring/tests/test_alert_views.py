"""The alerts page: access, actions, rules, and where alerts are shown."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from monitoring.models import Alert, AlertNotification, AlertRule, AlertState
from monitoring.tests.alert_factories import evaluate_hour, get_hour, use_only
from monitoring.tests.pages import PAGE
from monitoring.windows import DAY, HOUR

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ALERTS = "/operations/alerts/"


@pytest.fixture
def operator(make_user):
    person = make_user("otto")
    person.groups.add(Group.objects.get(name="Operators"))
    return person


@pytest.fixture
def operator_client(client, operator):
    client.force_login(operator)
    return client


@pytest.fixture
def alert(shades, user):
    use_only("failure_rate")
    return evaluate_hour(get_hour(0), shades, user, succeeded=20, failed=20)[0]


def read(client, url=ALERTS):
    return " ".join(client.get(url).content.decode().split())


def act(client, name, *arguments, **data):
    """Post to a route, and return the page that it leads to."""
    return " ".join(client.post(reverse(f"monitoring:{name}", args=arguments), data, follow=True).content.decode().split())


def test_an_empty_page_explains_how_to_get_notifications(operator_client):
    page = read(operator_client)
    assert "No alerts are open." in page
    assert "No alerts were resolved in the last 30 days." in page
    assert "set <code>ALERT_EMAILS</code> or <code>ALERT_WEBHOOK_URL</code>" in page
    assert "Send a test notification" not in page
    assert page.count('<span class="badge active">On</span>') == 8
    assert "Add a rule for one model" not in page  # there is no model


def test_reviewers_see_alerts_and_operators_change_them(alert, client, user, reviewer, operator, superuser):
    rule = alert.state.rule
    urls = [
        reverse("monitoring:alert-acknowledge", args=[alert.pk]),
        reverse("monitoring:alert-mute", args=[alert.pk]),
        reverse("monitoring:alert-rule", args=[rule.pk]),
        reverse("monitoring:alert-rule-delete", args=[rule.pk]),
        reverse("monitoring:alert-rule-new"),
        reverse("monitoring:alert-test"),
    ]
    assert client.get(ALERTS).status_code == 302
    for person, page, change in ((user, 403, 403), (reviewer, 200, 403), (operator, 200, 302), (superuser, 200, 302)):
        client.force_login(person)
        assert client.get(ALERTS).status_code == page
        statuses = {client.post(url).status_code for url in urls}
        assert statuses <= ({302, 200} if change == 302 else {403}), person  # 200: the form of the rule with errors
        if page == 200:
            assert ("Acknowledge<" in read(client) or "Unmute" in read(client) or "Mute…" in read(client)) == (change == 302)
    assert Alert.objects.get().acknowledged_by == operator


def test_an_alert_is_acknowledged_once(alert, operator_client, operator, superuser, client):
    page = read(operator_client)
    assert "<strong>50.0%</strong> (threshold: at least 10.0%)" in page
    assert f'href="{PAGE}?window=24h&amp;model=shades"' in page
    page = act(operator_client, "alert-acknowledge", alert.pk)
    assert "Acknowledged by otto on" in page
    client.force_login(superuser)
    act(client, "alert-acknowledge", alert.pk)
    assert Alert.objects.get().acknowledged_by == operator


@pytest.mark.parametrize(("duration", "length"), [("hour", HOUR), ("day", DAY), ("week", 7 * DAY)])
def test_an_alert_is_muted_for_a_time(alert, operator_client, duration, length):
    page = act(operator_client, "alert-mute", alert.pk, duration=duration)
    assert "No notifications until" in page
    muted_until = AlertState.objects.get().muted_until
    assert length - HOUR / 60 < muted_until - timezone.now() <= length
    page = act(operator_client, "alert-mute", alert.pk)
    assert "No notifications until" not in page
    assert AlertState.objects.get().muted_until is None


def test_unknown_alerts_and_rules_are_not_found(operator_client, alert):
    for name in ("alert-acknowledge", "alert-mute", "alert-rule", "alert-rule-delete"):
        assert operator_client.post(reverse(f"monitoring:{name}", args=[alert.state.pk])).status_code == 404


def test_thresholds_are_edited_in_the_units_of_people(operator_client):
    rule = AlertRule.objects.get(metric="disk")
    url = reverse("monitoring:alert-rule", args=[rule.pk])
    page = read(operator_client, url)
    assert "Alert opens at or below (%)" in page
    assert 'name="threshold" value="10"' in page
    values = {"threshold": "29", "resolve_threshold": "30.5", "opens_after": 3, "resolves_after": 1, "is_enabled": "on"}
    assert "Saved: Free disk space." in act(operator_client, "alert-rule", rule.pk, **values)
    rule.refresh_from_db()
    assert (rule.threshold, rule.resolve_threshold, rule.opens_after) == (0.29, 0.305, 3)
    assert 'name="threshold" value="29"' in read(operator_client, url)
    for name, value, message in (
        ("threshold", "101", "Enter a value from 0 to 100."),
        ("threshold", "-1", "Enter a value from 0 to 100."),
        ("threshold", "nan", "Enter a number."),
        ("resolve_threshold", "20", "Enter at least the threshold at which alerts open."),
        ("opens_after", "0", "Ensure this value is greater than or equal to 1."),
    ):
        assert message in act(operator_client, "alert-rule", rule.pk, **values | {name: value})
    latency = AlertRule.objects.get(metric="latency")
    assert "(ms)" in read(operator_client, reverse("monitoring:alert-rule", args=[latency.pk]))
    values |= {"threshold": 100, "resolve_threshold": 101}
    assert "Enter at most the threshold" in act(operator_client, "alert-rule", latency.pk, **values)


def test_a_rule_of_a_model_replaces_the_default_rule(alert, operator_client, shades, user):
    page = act(operator_client, "alert-rule-new", metric="failure_rate", model="shades")
    assert "Rule: Failure rate (shades)" in page
    rule = AlertRule.objects.get(model=shades.model)
    assert Alert.objects.get().resolution == "rule-changed"
    values = {"threshold": 60, "resolve_threshold": 50, "opens_after": 1, "resolves_after": 1, "is_enabled": "on"}
    act(operator_client, "alert-rule", rule.pk, **values)
    assert evaluate_hour(get_hour(0) + HOUR, shades, user, succeeded=20, failed=20) == []
    assert len(evaluate_hour(get_hour(0) + 2 * HOUR, shades, user, succeeded=10, failed=30)) == 1
    page = act(operator_client, "alert-rule-new", metric="failure_rate", model="shades")
    assert "This model has a rule for this metric already." in page
    assert "Choose a metric and a model." in act(operator_client, "alert-rule-new", metric="disk", model="shades")
    assert "Deleted: Failure rate (shades)." in act(operator_client, "alert-rule-delete", rule.pk)
    assert "cannot be deleted" in act(operator_client, "alert-rule-delete", alert.state.rule_id)
    assert len(evaluate_hour(get_hour(0) + 3 * HOUR, shades, user, succeeded=10, failed=30)) == 1


def test_a_rule_that_is_turned_off_resolves_its_alerts(alert, operator_client, shades, user):
    rule = alert.state.rule
    act(operator_client, "alert-rule", rule.pk, threshold=10, resolve_threshold=5, opens_after=1, resolves_after=1)
    assert Alert.objects.get().resolution == "rule-changed"
    assert evaluate_hour(get_hour(0) + HOUR, shades, user, failed=40) == []
    assert "Rule changed" in read(operator_client)


def test_a_test_notification_is_queued_for_each_channel(operator_client, settings):
    assert "Set ALERT_EMAILS or ALERT_WEBHOOK_URL first" in act(operator_client, "alert-test")
    settings.ALERT_EMAILS, settings.ALERT_WEBHOOK_URL = ["ops@example.org"], "https://hooks.example.org/secret"
    page = act(operator_client, "alert-test")
    assert "The test notification is sent within a minute." in page
    assert "Webhook at hooks.example.org" in page
    assert "secret" not in page
    assert AlertNotification.objects.count() == 2
    assert page.count("[mlsite] Test notification") == 2


def test_open_alerts_are_shown_on_the_operations_page_and_in_metrics(alert, operator_client, settings):
    assert "1 alert is open:" in read(operator_client, PAGE)
    settings.METRICS_PUBLIC = True
    metrics = operator_client.get("/metrics").content.decode()
    assert 'mlsite_alerts_open{rule="failure_rate"} 1.0' in metrics
    assert 'mlsite_alerts_open{rule="disk"} 0.0' in metrics


def test_the_admin_edits_rules_and_only_shows_alerts(alert, client, superuser, operator):
    client.force_login(superuser)
    rule = alert.state.rule
    url = reverse("admin:monitoring_alertrule_change", args=[rule.pk])
    assert 'name="threshold" value="10"' in read(client, url)
    values = {"threshold": 20, "resolve_threshold": 5, "opens_after": 1, "resolves_after": 1}
    assert client.post(url, values).status_code == 302
    rule.refresh_from_db()
    assert (rule.threshold, rule.is_enabled) == (0.2, False)
    assert Alert.objects.get().resolution == "rule-changed"
    assert "at least 20.0%" in read(client, reverse("admin:monitoring_alertrule_changelist"))
    assert client.get(reverse("admin:monitoring_alertrule_add")).status_code == 403
    assert "Failure rate of shades" in read(client, reverse("admin:monitoring_alert_changelist"))
    page = read(client, reverse("admin:monitoring_alert_change", args=[alert.pk]))
    assert "50.0%" in page
    assert 'name="_save"' not in page


def test_the_page_has_a_fixed_number_of_queries(operator_client, alert, shades, user, flowers, django_assert_num_queries):
    read(operator_client)
    with django_assert_num_queries(10) as queries:
        read(operator_client)
    use_only("failure_rate")
    evaluate_hour(get_hour(0) + HOUR, flowers, user, failed=40)
    assert Alert.objects.count() == 2
    with django_assert_num_queries(len(queries)):
        read(operator_client)
