"""Two people change different fields of a row at the same time: both changes stay."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse

from events.models import Webhook
from events.services.webhooks import update_webhook
from events.tests.webhooks import make_webhook
from monitoring.models import AlertRule
from monitoring.services.alert_actions import save_rule
from predictions.models import RetentionPolicy, SavedFilter
from predictions.services.retention import change_retention, set_retention
from predictions.services.saved_filters import rename_filter, save_filter
from registry.models import RegisteredModel
from registry.services import register_model
from registry.services.preparation import prepare_version
from registry.services.register import store_version
from registry.tests.factories import edit_manifest

pytestmark = pytest.mark.django_db
URL = "https://example.org/hook"


def test_two_changes_of_a_webhook(user):
    first, second = make_webhook(user, URL), Webhook.objects.get()
    update_webhook(webhook=first, url="https://example.org/new")
    update_webhook(webhook=second, description="Import")
    stored = Webhook.objects.get()
    assert (stored.url, stored.description, stored.event_types) == ("https://example.org/new", "Import", first.event_types)


def test_a_form_of_a_webhook_that_was_opened_before_another_change(signed_in, user):
    webhook = make_webhook(user, URL, "review.created", "alias.changed", description="Import")
    url = reverse("events:webhook-edit", args=[webhook.pk])
    form = signed_in.get(url).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    initial = {f"initial-{name}": value for name, value in shown.items()}
    update_webhook(webhook=webhook, event_types=["review.created"], description="Export")
    assert signed_in.post(url, {**initial, **shown, "url": f"{URL}/new"}).status_code == 302
    assert Webhook.objects.values_list("url", "event_types", "description").get() == (
        f"{URL}/new",
        ["review.created"],
        "Export",
    )
    signed_in.post(url, {**shown, "description": ""})  # a program that sends a complete form
    assert Webhook.objects.values_list("url", "event_types", "description").get() == (URL, shown["event_types"], "")


def test_two_changes_of_an_alert_rule():
    first, second = (AlertRule.objects.get(metric="latency", model=None) for _ in range(2))
    first.threshold, second.opens_after = 9000, 7
    save_rule(rule=first, fields=["threshold"])
    save_rule(rule=second, fields=["opens_after"])
    stored = AlertRule.objects.get(pk=first.pk)
    assert (stored.threshold, stored.opens_after) == (9000, 7)


def test_a_form_of_an_alert_rule_that_was_opened_before_another_change(client, make_user):
    operator = make_user("otto")
    operator.groups.add(Group.objects.get(name="Operators"))
    client.force_login(operator)
    rule = AlertRule.objects.get(metric="latency", model=None)
    url = reverse("monitoring:alert-rule", args=[rule.pk])
    form = client.get(url).context["form"]
    shown = {name: form[name].value() for name in form.fields}
    initial = {f"initial-{name}": value for name, value in shown.items()}
    assert all(f'name="{name}"' in str(form) for name in initial)
    AlertRule.objects.filter(pk=rule.pk).update(threshold=rule.threshold + 1000)
    client.post(url, {**initial, **shown, "opens_after": 9})
    stored = AlertRule.objects.get(pk=rule.pk)
    assert (stored.threshold, stored.opens_after, stored.is_enabled) == (rule.threshold + 1000, 9, True)
    response = client.post(url, {**initial, **shown, "resolve_threshold": shown["threshold"] + 2000})
    assert "at most the threshold" in response.content.decode()


def test_a_saved_filter_is_renamed_and_gets_a_new_query(user):
    outdated = save_filter(user=user, name="a", query="status=failed")
    save_filter(user=user, name="a", query="status=queued")
    rename_filter(saved_filter=outdated, name="b")
    assert SavedFilter.objects.values_list("name", "query").get() == ("b", "status=queued")


def test_the_title_of_a_model_is_changed_while_a_version_is_prepared(write_rows):
    folder = write_rows()
    register_model(path=folder)
    edit_manifest(folder, 'title = "Flowers"\n', "")
    with prepare_version(path=folder) as prepared:
        assert prepared.existing
        RegisteredModel.objects.update(title="Roses", task="classification")
        store_version(prepared)
    assert RegisteredModel.objects.values_list("title", "task").get() == ("Roses", "classification")


def test_two_changes_of_a_retention_policy(shades):
    first = set_retention(model=shades.model, image_days=30, row_days=None)
    second = RetentionPolicy.objects.get()
    change_retention(policy=first, changes={"image_days": 60})
    change_retention(policy=second, changes={"row_days": 90})
    assert RetentionPolicy.objects.values_list("image_days", "row_days", "keep_reviewed").get() == (60, 90, True)


def test_the_admin_changes_only_what_was_changed_in_the_form_of_a_policy(shades, client, superuser):
    policy = set_retention(model=shades.model, image_days=30, row_days=90)
    client.force_login(superuser)
    url = reverse("admin:predictions_retentionpolicy_change", args=[policy.pk])
    form = client.get(url).context["adminform"].form
    initial = {f"initial-{name}": form[name].value() for name in form.fields}
    change_retention(policy=policy, changes={"row_days": 900})
    response = client.post(url, {**initial, "image_days": 60, "row_days": 90, "keep_reviewed": "on"})
    assert response.status_code == 302
    assert RetentionPolicy.objects.values_list("image_days", "row_days").get() == (60, 900)
