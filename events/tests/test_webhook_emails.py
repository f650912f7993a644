"""The email to the user of a webhook that was disabled."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from accounts.models import AttemptCount
from events.models import Webhook
from events.services.webhook_emails import MAX_AGE, MAX_EMAILS, send_disabled_emails
from events.services.webhook_state import FAILING_PERIOD, MIN_FAILURES, disable_webhook
from events.services.webhooks import resume_webhook
from events.tests.webhooks import make_event, make_webhook, relay
from mlsite.tests.postgres import find_free_port

pytestmark = pytest.mark.django_db
URL = "https://example.org/secret"
MEMORY = "events.tests.mail.MemoryBackend"


@pytest.fixture(autouse=True)
def mail_server(settings):
    settings.EMAIL_BACKEND = MEMORY


@pytest.fixture
def ada(make_user):
    return make_user("ada", email="ada@example.org")


def make_disabled(user, **fields):
    webhook = make_webhook(user, URL, **fields)
    disable_webhook(webhook=webhook, reason=Webhook.Reason.GONE, error="The response has the status 410.")
    return webhook


def test_the_user_gets_one_email_each_time_a_webhook_is_disabled(ada):
    webhook = make_disabled(ada, description="Import\nX-Other: 1")
    assert (send_disabled_emails(), send_disabled_emails()) == (1, 0)
    (message,) = mail.outbox
    assert message.to == ["ada@example.org"]
    assert message.subject == "[mlsite] Webhook disabled: Import X-Other: 1 (example.org)"
    for text in (
        " at http://testserver was disabled on ",
        "UTC.",
        "Reason: The address responded with 410 Gone.",
        "Last error: The response has the status 410.",
        "select Resume",
        f"http://testserver/accounts/webhooks/{webhook.pk}/",
    ):
        assert text in message.body
    assert "secret" not in message.subject + message.body
    webhook = resume_webhook(webhook=webhook)
    assert (send_disabled_emails(), Webhook.objects.get().disabled_error) == (0, "")
    disable_webhook(webhook=webhook, reason=Webhook.Reason.FAILING)
    assert send_disabled_emails() == 1
    assert "All deliveries of the last days failed." in mail.outbox[1].body
    assert "Last error" not in mail.outbox[1].body


def test_the_email_has_the_last_error_of_a_webhook_that_fails_for_days(ada, receiver):
    receiver.respond = lambda _request: (500, b"", {})
    webhook = make_webhook(ada, receiver.url, failure_count=MIN_FAILURES, failing_since=timezone.now() - FAILING_PERIOD)
    make_event(ada)
    relay(webhook)
    assert send_disabled_emails() == 1
    assert "Last error: The response has the status 500." in mail.outbox[0].body


def test_the_page_shows_the_last_error(client, ada):
    client.force_login(ada)
    page = client.get(make_disabled(ada).get_absolute_url()).content.decode()
    assert "The response has the status 410." in page


def test_some_users_and_sites_get_no_email(ada, make_user, settings):
    make_disabled(make_user("grace"))
    make_disabled(make_user("alan", email="alan@example.org", is_active=False))
    Webhook.objects.filter(pk=make_disabled(ada).pk).update(disabled_at=timezone.now() - MAX_AGE - timedelta(seconds=1))
    make_webhook(ada, URL)
    assert send_disabled_emails() == 0
    make_disabled(ada)
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    assert send_disabled_emails() == 0
    settings.EMAIL_BACKEND = MEMORY
    assert send_disabled_emails() == 1


def test_an_email_is_sent_again_if_the_mail_server_is_unavailable(ada, settings):
    make_disabled(ada)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", find_free_port()
    assert send_disabled_emails() == 0
    settings.EMAIL_BACKEND = MEMORY
    assert send_disabled_emails() == 1


def test_a_refused_address_holds_no_other_emails(ada, make_user):
    make_disabled(make_user("refused", email="refused@example.org"))
    make_disabled(ada)
    assert (send_disabled_emails(), send_disabled_emails()) == (1, 0)
    assert mail.outbox[0].to == ["ada@example.org"]


def test_without_a_url_of_the_site_the_email_has_no_link(ada, settings):
    settings.SITE_URL, settings.ALLOWED_HOSTS = "", ["a.example", "b.example"]
    make_disabled(ada)
    send_disabled_emails()
    assert "at mlsite was disabled" in mail.outbox[0].body
    assert "/accounts/webhooks/" not in mail.outbox[0].body


def test_a_user_gets_few_emails_per_hour_and_holds_no_others(ada, make_user, monkeypatch):
    monkeypatch.setattr("events.services.webhook_emails.MAX_EMAILS_PER_RUN", MAX_EMAILS + 1)
    webhooks = [make_disabled(ada) for _ in range(MAX_EMAILS + 2)]
    make_disabled(make_user("grace", email="grace@example.org"))
    assert send_disabled_emails() == MAX_EMAILS + 1
    assert [message.to for message in mail.outbox] == [["ada@example.org"]] * MAX_EMAILS + [["grace@example.org"]]
    disable_webhook(webhook=resume_webhook(webhook=webhooks[0]), reason=Webhook.Reason.GONE)
    assert send_disabled_emails() == 0
    AttemptCount.objects.update(started_at=timezone.now() - timedelta(hours=1))
    assert send_disabled_emails() == 3
