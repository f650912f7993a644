"""The pages of webhooks."""

import html
import re
import time
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AttemptCount
from core.forms import SUBMISSION_KEY_FIELD
from events.deliveries import PAGE_SIZE
from events.models import Delivery, Event, Webhook
from events.services.webhook_state import disable_webhook
from events.services.webhooks import MAX_TEST_EVENTS, send_test_event
from events.tests.webhooks import SUCCEEDED, make_deliveries, make_webhook
from events.webhooks.signatures import build_headers
from mlsite.tests.forms import read_form

pytestmark = [pytest.mark.django_db, pytest.mark.once]
URL = "https://example.org/hook"
LIST, NEW = reverse("events:webhooks"), reverse("events:webhook-new")


def post(client, webhook, name, **data):
    return client.post(reverse(f"events:webhook-{name}", args=[webhook.pk]), data, follow=True)


def test_a_webhook_is_created_and_its_secret_is_shown_once(signed_in, user):
    data = {"url": URL, "event_types": [SUCCEEDED, "review.created"], "description": "Import"}
    page = signed_in.post(NEW, data).content.decode()
    webhook = user.webhooks.get()
    assert (webhook.url, webhook.event_types, webhook.description) == (URL, data["event_types"], "Import")
    assert page.count(webhook.secret) == 1
    for url in (LIST, webhook.get_absolute_url(), reverse("events:webhook-edit", args=[webhook.pk])):
        page = signed_in.get(url).content.decode()
        assert URL in page
        assert webhook.secret not in page


def test_a_double_click_creates_one_webhook_and_one_new_secret(signed_in, user):
    form = {**read_form(signed_in.get(NEW).content), "url": URL, "event_types": [SUCCEEDED]}
    pages = [signed_in.post(NEW, form).content.decode() for _ in range(2)]
    webhook = user.webhooks.get()
    assert [page.count(webhook.secret) for page in pages] == [1, 1]
    form = {SUBMISSION_KEY_FIELD: "key"}
    pages = [post(signed_in, webhook, "secret", **form).content.decode() for _ in range(2)]
    rotated = user.webhooks.get()
    assert rotated.previous_secret == webhook.secret  # requests are still signed with it
    assert [page.count(rotated.secret) for page in pages] == [1, 1]
    user.webhooks.update(previous_secret_expires_at=rotated.previous_secret_expires_at - timedelta(minutes=1))
    page = post(signed_in, webhook, "secret", **form).content.decode()
    assert "The secret is not shown again." in page
    assert rotated.secret not in page
    assert user.webhooks.get().secret == rotated.secret


def test_a_double_click_sends_one_test_event(signed_in, user):
    webhook = make_webhook(user, URL)
    keys = read_form(signed_in.get(webhook.get_absolute_url()).content)[SUBMISSION_KEY_FIELD]
    assert len(set(keys)) == 2  # for a test event and for a new secret
    for _ in range(2):
        page = post(signed_in, webhook, "test", **{SUBMISSION_KEY_FIELD: keys[0]})
        assert "The test event will be sent" in page.content.decode()
    assert Delivery.objects.count() == 1


def test_the_page_shows_how_to_verify_requests(signed_in, user, monkeypatch):
    page = signed_in.post(NEW, {"url": URL, "event_types": [SUCCEEDED]}).content.decode()
    code = html.unescape(re.search(r'aria-label="Python"><code>(.*?)</code>', page, re.DOTALL)[1])
    secret, body = user.webhooks.get().secret, b'{"id": "1"}'
    headers = build_headers(valid_secrets=[secret], message_id="1", timestamp=int(time.time()), body=body)
    monkeypatch.setenv("WEBHOOK_SECRET", secret)
    names = {"body": body, "headers": headers}
    exec(code, names)
    assert names["event"] == {"id": "1"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"url": "http://example.org/"}, "Start the URL with https://."),
        ({"url": "example.org"}, "Enter a complete URL"),
        ({"url": "https://10.0.0.1/"}, "Use a public address."),
        ({"url": "https://a:b@example.org/"}, "Remove the username and password"),
        ({"url": URL + "x" * 500}, "Ensure this value has at most 500 characters"),
        ({"url": f"{URL}\0"}, "Null characters are not allowed."),
        ({"event_types": []}, "Choose at least one event."),
        ({"event_types": ["x"]}, "Select a valid choice."),
    ],
)
def test_mistakes_are_shown_and_the_form_keeps_its_values(signed_in, user, data, message):
    values = {"url": URL, "event_types": [SUCCEEDED], "description": "Import", **data}
    response = signed_in.post(NEW, values)
    page = response.content.decode()
    assert message in page
    assert [len(errors) for errors in response.context["form"].errors.values()] == [1]
    assert 'value="Import"' in page
    assert not user.webhooks.exists()


def test_a_webhook_is_changed(signed_in, user):
    webhook = make_webhook(user, URL)
    response = post(signed_in, webhook, "edit", url=f"{URL}/2", event_types=["review.created"])
    assert response.redirect_chain == [(webhook.get_absolute_url(), 302)]
    webhook.refresh_from_db()
    assert (webhook.url, webhook.event_types) == (f"{URL}/2", ["review.created"])


def test_a_webhook_is_paused_resumed_and_deleted(signed_in, user):
    webhook = make_webhook(user, URL)
    assert "Its events wait for up to 3 days." in post(signed_in, webhook, "pause").content.decode()
    assert Webhook.objects.get().state == "paused"
    page = post(signed_in, webhook, "resume").content.decode()
    assert Webhook.objects.get().state == "active"
    assert "Send a test event" in page
    response = post(signed_in, webhook, "delete")
    assert response.redirect_chain == [(LIST, 302)]
    assert "You have no webhooks." in response.content.decode()


def test_a_disabled_webhook_shows_why(signed_in, user):
    webhook = make_webhook(user, URL)
    make_deliveries(user, webhook, 1)
    disable_webhook(webhook=webhook, reason=Webhook.Reason.GONE)
    page = signed_in.get(webhook.get_absolute_url()).content.decode()
    assert "The address responded with 410 Gone." in page
    assert "The webhook is disabled." in page
    assert "Send a test event" not in page
    assert reverse("events:webhook-resend", args=[webhook.pk]) not in page


def test_a_new_secret_is_shown_once_and_the_previous_one_expires(signed_in, user):
    webhook = make_webhook(user, URL)
    page = post(signed_in, webhook, "secret").content.decode()
    renewed = Webhook.objects.get()
    assert renewed.previous_secret == webhook.secret != renewed.secret
    assert renewed.secret in page
    assert webhook.secret not in page
    assert re.search(r"The previous secret is valid until [^<.]* UTC\.", page)
    assert re.search(r"Valid until [^<]* UTC", signed_in.get(webhook.get_absolute_url()).content.decode())


def test_deliveries_show_the_response(signed_in, user):
    webhook = make_webhook(user, URL)
    details = {"status": 502, "ms": 12, "excerpt": "<b>Bad gateway</b>"}
    make_deliveries(
        user, webhook, 1, state="failed", ended_at=timezone.now(), attempts=12, error="Not good.", details=details
    )
    page = signed_in.get(webhook.get_absolute_url()).content.decode()
    for text in (SUCCEEDED, "Failed", "502", "12.0 ms", "Not good.", "&lt;b&gt;Bad gateway"):
        assert text in page


def test_deliveries_are_paginated(signed_in, user):
    webhook = make_webhook(user, URL)
    rows = make_deliveries(user, webhook, PAGE_SIZE + 2)
    page = signed_in.get(webhook.get_absolute_url()).content.decode()
    (before,) = re.findall(r'href="\?before=(\d+)"', page)
    assert rows[-1].event.subject in page
    page = signed_in.get(f"{webhook.get_absolute_url()}?before={before}").content.decode()
    assert [row.event.subject in page for row in rows[:3]] == [True, True, False]
    assert "?before=" not in page


@pytest.mark.parametrize("value", ["x", "-1", "9" * 18, "9" * 400, "²", "\x00"])
def test_invalid_ids_of_deliveries_are_ignored(signed_in, user, value):
    webhook = make_webhook(user, URL)
    assert signed_in.get(webhook.get_absolute_url(), {"before": value}).status_code == 200
    assert "0 events will be sent again." in post(signed_in, webhook, "resend", delivery=value).content.decode()


def test_one_or_all_failed_events_are_sent_again(signed_in, user):
    webhook = make_webhook(user, URL)
    rows = make_deliveries(user, webhook, 3, state="failed", ended_at=timezone.now())
    assert "1 event will be sent again." in post(signed_in, webhook, "resend", delivery=rows[0].pk).content.decode()
    assert list(Delivery.objects.filter(state="pending")) == [rows[0]]
    assert "2 events will be sent again." in post(signed_in, webhook, "resend").content.decode()
    assert "Send all failed events again" not in signed_in.get(webhook.get_absolute_url()).content.decode()


def test_a_page_reports_that_events_were_resent_too_often(signed_in, user, monkeypatch):
    monkeypatch.setattr("events.services.webhooks.MAX_RESENDS", 0)
    page = post(signed_in, make_webhook(user, URL), "resend").content.decode()
    assert "You can send events again at most 0 times per hour." in page
    assert "will be sent again" not in page


def test_a_test_event_is_shown_while_it_waits(signed_in, user):
    webhook = make_webhook(user, URL)
    page = post(signed_in, webhook, "test").content.decode()
    assert "webhook.test" in page
    assert "Pending" in page


def test_test_events_are_limited_per_user(signed_in, user, other):
    webhooks = [make_webhook(user, URL), make_webhook(user, URL)]
    for number in range(MAX_TEST_EVENTS):
        send_test_event(webhook=webhooks[number % 2])
    page = post(signed_in, webhooks[0], "test").content.decode()
    assert "You can send at most 10 test events per hour. Send the next one in " in page
    assert Event.objects.count() == MAX_TEST_EVENTS
    send_test_event(webhook=make_webhook(other, URL))
    AttemptCount.objects.update(started_at=timezone.now() - timedelta(hours=1))
    assert "will be sent within seconds" in post(signed_in, webhooks[0], "test").content.decode()


def test_webhooks_of_other_users_are_not_found_even_by_superusers(client, user, superuser):
    webhook = make_webhook(user, URL)
    client.force_login(superuser)
    assert "You have no webhooks." in client.get(LIST).content.decode()
    for name in ("edit", "pause", "resume", "secret", "test", "resend", "delete"):
        assert post(client, webhook, name, url=URL, event_types=[SUCCEEDED]).status_code == 404
    assert client.get(webhook.get_absolute_url()).status_code == 404
    assert Webhook.objects.get().state == "active"


def test_links_lead_to_the_webhooks(signed_in):
    assert LIST in signed_in.get(reverse("accounts:profile")).content.decode()
