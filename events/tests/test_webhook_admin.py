"""Webhooks in the admin."""

import pytest
from django.contrib.auth.models import Group
from django.urls import reverse
from django.utils import timezone

from events.models import Delivery, Webhook
from events.tests.webhooks import make_deliveries, make_webhook

pytestmark = [pytest.mark.django_db, pytest.mark.once]
URL = "https://example.org/hook"


@pytest.fixture
def operator(client, make_user):
    person = make_user("operator", is_staff=True)
    person.groups.add(Group.objects.get(name="Operators"))
    client.force_login(person)
    return person


def test_operators_see_webhooks_without_secrets_in_the_admin(client, operator, user):
    webhook = make_webhook(user, URL, previous_secret="whsec_old")
    for url in (
        reverse("admin:events_webhook_changelist"),
        reverse("admin:events_webhook_change", args=[webhook.pk]),
    ):
        page = client.get(url).content.decode()
        assert URL in page
        assert webhook.secret not in page
        assert "whsec_" not in page


def test_operators_pause_and_resume_webhooks_and_send_failed_events_again(client, operator, user):
    webhook = make_webhook(user, URL)
    make_deliveries(user, webhook, 2, state="failed", ended_at=timezone.now())

    def act(action):
        data = {"action": action, "_selected_action": [webhook.pk]}
        return client.post(reverse("admin:events_webhook_changelist"), data, follow=True).content.decode()

    act("pause_selected")
    assert Webhook.objects.get().state == "paused"
    act("resume_selected")
    assert Webhook.objects.get().state == "active"
    assert "2 deliveries are sent again." in act("send_failed_again")
    assert Delivery.objects.filter(state="pending").count() == 2
