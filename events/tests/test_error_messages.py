"""Errors of deliveries: stored with a code, translated on pages, and in English in the API."""

import pytest
from django.urls import reverse
from django.utils import translation
from django.utils.html import escape

from events.admin import DeliveryAdmin, WebhookAdmin
from events.error_messages import TEXTS, build_error, get_error_columns, translate_error
from events.models import Delivery, TargetStatus, Webhook
from events.services.webhook_emails import build_disabled_email
from events.services.webhook_state import disable_webhook
from events.templatetags.events import disabled_error_text, error_text
from events.tests.webhooks import get_delivery, make_deliveries, make_event, make_webhook, relay

TRANSLATED = "The batch job has ended. Its status is %(status)s."  # all catalogs have it


@pytest.fixture
def translated(monkeypatch):
    """Give an error a text that the catalogs contain, whatever is translated at the moment."""
    monkeypatch.setitem(TEXTS, "status", TRANSLATED)
    with translation.override("de"):
        assert translation.gettext(TRANSLATED) != TRANSLATED
        return translation.gettext(TRANSLATED) % {"status": 500}


@pytest.mark.parametrize("code", TEXTS)
def test_each_error_is_built_from_its_values(code):
    values = {"seconds": "10", "reason": "x" * 900, "host": "example.org", "status": 500}
    columns = get_error_columns(build_error(code, **values))
    assert translate_error(columns["error"], code=code, values=columns["error_values"]) == columns["error"]
    assert (columns["error_code"], "%" in columns["error"], len(columns["error"]) < 400) == (code, False, True)


@pytest.mark.parametrize(
    ("text", "code", "values"),
    [
        ("The brokers are down.", "", None),
        ("The response has the status 502.", "", None),  # of a row that is older than the codes
        ("The response has the status 502.", "status", {"status": 500}),  # of a server of an earlier release
        ("Something else.", "of-a-later-release", {}),
        ("Something else.", "status", None),
        ("Something else.", "status", [1]),
    ],
)
def test_other_texts_are_shown_as_they_are(translated, text, code, values):
    with translation.override("de"):
        assert translate_error(text, code=code, values=values) == text


@pytest.mark.django_db
@pytest.mark.usefixtures("allow_local_receivers")
def test_an_error_is_translated_on_the_page_and_english_in_the_api(user, signed_in, api, receiver, translated):
    webhook = make_webhook(user, receiver.url)
    receiver.respond = lambda _request: (500, b"", {})
    event = make_event(user)
    relay(webhook)
    delivery = get_delivery(event, webhook)
    assert (delivery.error_code, delivery.error_values) == ("status", {"status": 500})
    page = signed_in.get(reverse("events:webhook", args=[webhook.pk]), headers={"accept-language": "de"}).content.decode()
    assert escape(translated) in page
    (row,) = api.get(f"/api/v1/webhooks/{webhook.pk}/deliveries/", headers={"accept-language": "de"}).json()["results"]
    assert row["error"] == delivery.error == TRANSLATED % {"status": 500}
    with translation.override("de"):
        assert DeliveryAdmin(Delivery, None).shown_error(delivery) == translated
    receiver.respond = lambda _request: (204, b"", {})
    Delivery.objects.update(next_attempt_at=event.created_at)
    relay(webhook)
    delivery = get_delivery(event, webhook)
    assert (delivery.state, delivery.error, delivery.error_code, delivery.error_values) == ("delivered", "", "", None)


@pytest.mark.django_db
def test_the_reason_of_a_disabled_webhook_is_translated(user, translated):
    webhook = make_webhook(user, "https://example.org/")
    (waiting,) = make_deliveries(user, webhook, 1)
    disable_webhook(webhook=webhook, reason=Webhook.Reason.GONE, error=build_error("status", status=500))
    webhook = Webhook.objects.get()
    user.language = "de"
    webhook.user = user
    assert translated in build_disabled_email(webhook).body
    with translation.override("de"):
        assert disabled_error_text(webhook) == WebhookAdmin(Webhook, None).shown_error(webhook) == translated
    assert get_delivery(waiting.event, webhook).error_code == "disabled"


@pytest.mark.django_db
@pytest.mark.usefixtures("allow_local_receivers")
def test_an_outage_has_a_code(user, receiver):
    webhook = make_webhook(user, receiver.url)
    receiver.respond = lambda _request: (503, b"", {})
    event = make_event(user)
    relay(webhook)
    for row in (TargetStatus.objects.get(), get_delivery(event, webhook)):
        assert (row.error_code, row.error_values) == ("status", {"status": 503})
        assert error_text(row) == "The response has the status 503."
