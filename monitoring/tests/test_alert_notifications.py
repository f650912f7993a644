"""Notifications: one when an alert opens and one when it resolves, reminders, the digest, and deliveries that fail."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone, translation

from monitoring.alerts import channels
from monitoring.models import Alert, AlertNotification, AlertState
from monitoring.services.alert_actions import acknowledge_alert, mute_alert, unmute_alert
from monitoring.services.notifications import delete_old_alerts, queue_digest, queue_test, send_notifications
from monitoring.tests.alert_factories import evaluate_hour, get_hour, use_only
from monitoring.tests.factories import make_outcomes
from monitoring.tests.receivers import run_receiver
from monitoring.windows import DAY, HOUR

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _emails(settings):
    settings.ALERT_EMAILS = ["ops@example.org", "admin@example.org"]
    settings.ALERT_DIGEST_HOUR = -1


@pytest.fixture
def receiver(settings):
    with run_receiver() as receiver:
        settings.ALERT_EMAILS, settings.ALERT_WEBHOOK_URL = [], receiver.url
        yield receiver


def fail_hours(version, user, start, hours, **outcomes):
    """Evaluate some hours with failures, one after the other, and send what is due after each of them."""
    for number in range(hours):
        evaluate_hour(start + number * HOUR, version, user, **(outcomes or {"failed": 40}))
        send_notifications(now=start + (number + 2) * HOUR)


def list_subjects():
    return [message.subject for message in mail.outbox]


def test_an_alert_sends_one_email_when_it_opens_and_one_when_it_resolves(shades, user):
    use_only("failure_rate")
    hour = get_hour(0)
    fail_hours(shades, user, hour, 5)
    fail_hours(shades, user, hour + 5 * HOUR, 4, succeeded=40)
    assert list_subjects() == [
        "[mlsite] Alert: Failure rate of shades is 100.0%",
        "[mlsite] Resolved: Failure rate of shades is 0.0%",
    ]
    opened, resolved = mail.outbox
    assert opened.to == ["ops@example.org", "admin@example.org"]
    assert "Failure rate of shades: 100.0%. The alert opens at 10.0%. Open since" in opened.body
    assert "http://testserver/operations/alerts/" in opened.body
    assert "recovered after 6 h." in resolved.body
    assert AlertNotification.objects.filter(status="succeeded").count() == 2


def test_an_open_alert_sends_one_reminder_per_day(shades, user):
    use_only("failure_rate")
    for day in range(3):
        fail_hours(shades, user, get_hour(0) + day * DAY, 2)
    assert [subject.partition(":")[0] for subject in list_subjects()] == ["[mlsite] Alert", *["[mlsite] Still open"] * 2]


def test_alerts_of_one_rule_are_one_notification(shades, flowers, user):
    use_only("failure_rate")
    make_outcomes(flowers, user, get_hour(0), failed=40)
    fail_hours(shades, user, get_hour(0), 1)
    assert list_subjects() == ["[mlsite] 2 alerts opened: Failure rate"]
    assert all(f"- Failure rate of {name}: 100.0%" in mail.outbox[0].body for name in ("shades", "flowers"))


def test_an_acknowledged_alert_sends_no_reminder(shades, user):
    use_only("failure_rate", resolves_after=1)
    hour = get_hour(0)
    fail_hours(shades, user, hour, 1)
    acknowledge_alert(alert=Alert.objects.get(), user=user)
    fail_hours(shades, user, hour + 2 * DAY, 1)
    assert len(mail.outbox) == 1
    fail_hours(shades, user, hour + 2 * DAY + HOUR, 1, succeeded=40)
    assert len(mail.outbox) == 2  # it was resolved


def test_a_muted_rule_sends_nothing_about_its_model(shades, user):
    use_only("failure_rate", resolves_after=1)
    hour = get_hour(0)
    fail_hours(shades, user, hour, 1)
    mute_alert(alert=Alert.objects.get(), duration=7 * DAY)
    fail_hours(shades, user, hour + HOUR, 1, succeeded=40)
    fail_hours(shades, user, hour + 2 * HOUR, 1)  # opens again
    assert len(mail.outbox) == 1
    assert Alert.objects.count() == 2
    unmute_alert(alert=Alert.objects.first())
    fail_hours(shades, user, hour + 3 * HOUR, 1)
    assert list_subjects()[1:] == ["[mlsite] Alert: Failure rate of shades is 100.0%"]  # it is the first one about it


def test_without_a_channel_an_alert_is_reported_when_there_is_one(shades, user, settings):
    use_only("failure_rate")
    settings.ALERT_EMAILS = []
    fail_hours(shades, user, get_hour(0), 2)
    assert Alert.objects.get().notified_at is None
    settings.ALERT_EMAILS = ["ops@example.org"]
    fail_hours(shades, user, get_hour(0) + 2 * HOUR, 1)
    assert len(mail.outbox) == 1


def test_the_webhook_gets_the_body_that_slack_expects(shades, user, receiver):
    use_only("failure_rate")
    fail_hours(shades, user, get_hour(0), 1)
    (body,) = receiver.bodies
    assert receiver.paths == ["/hook?key=secret"]
    assert body["text"].startswith("[mlsite] Alert: Failure rate of shades is 100.0%\n\n")
    assert body["blocks"][0]["text"]["type"] == "mrkdwn"
    assert "*[mlsite] Alert: Failure rate of shades is 100.0%*" in body["blocks"][0]["text"]["text"]
    assert len(channels.build_body("x", "y" * 9000)["blocks"][0]["text"]["text"]) < 3000
    assert channels.build_body("<!channel> & co", "")["text"].strip() == "&lt;!channel&gt; &amp; co"


def test_a_notification_waits_until_its_receiver_is_back(settings, receiver):
    settings.ALERT_EMAILS = ["ops@example.org"]
    receiver.status = 503
    now = timezone.now()
    queue_test()
    queue_test()
    send_notifications(now=now + MINUTE)
    assert len(mail.outbox) == 2  # the other channel
    assert len(receiver.bodies) == 1  # the second one would wait as long
    row = AlertNotification.objects.filter(channel="webhook").order_by("id").first()
    assert (row.status, row.attempts, row.error) == ("queued", 1, "The webhook returned status 503.")
    assert row.send_after == now + 2 * MINUTE
    receiver.status = 200
    send_notifications(now=now + 3 * MINUTE)
    send_notifications(now=now + 4 * MINUTE)
    assert set(AlertNotification.objects.values_list("status", flat=True)) == {"succeeded"}
    assert len(receiver.bodies) == 3


@pytest.mark.parametrize("status", [301, 404, 500])
def test_only_success_counts_and_redirects_are_not_followed(receiver, status):
    receiver.status = status
    queue_test()
    assert send_notifications() == 0
    assert len(receiver.bodies) == 1
    assert AlertNotification.objects.get().error == f"The webhook returned status {status}."


def test_a_slow_receiver_does_not_hold_the_job(receiver, monkeypatch):
    monkeypatch.setattr(channels, "WEBHOOK_SECONDS", 0.5)
    receiver.silent.set()
    queue_test()
    started = timezone.now()
    assert send_notifications() == 0
    assert timezone.now() - started < timedelta(seconds=3)
    assert AlertNotification.objects.get().error == "The webhook did not respond within 0 seconds."


def test_a_receiver_that_is_gone_fails_after_three_days(settings):
    with run_receiver() as receiver:
        settings.ALERT_EMAILS, settings.ALERT_WEBHOOK_URL = [], receiver.url
    queue_test()
    now = timezone.now()
    send_notifications(now=now)
    row = AlertNotification.objects.get()
    assert row.status == "queued"
    assert "Connection refused" in row.error
    assert "secret" not in row.error
    for hours in (1, 71, 72):
        send_notifications(now=now + hours * HOUR)
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("failed", 4)
    assert send_notifications(now=now + 80 * HOUR) == 0


def test_the_mail_server_may_be_down(settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    queue_test()
    assert send_notifications() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_notifications(now=timezone.now() + HOUR) == 1
    assert list_subjects() == ["[mlsite] Test notification"]


def test_a_notification_of_a_killed_worker_is_sent_again():
    (row,) = queue_test()
    rows = AlertNotification.objects.filter(pk=row.pk)
    rows.update(status="running", leased_until=timezone.now() + MINUTE)
    assert send_notifications() == 0
    rows.update(leased_until=timezone.now() - MINUTE)
    assert send_notifications() == 1


def test_the_digest_is_sent_once_a_day(shades, user, settings):
    use_only("failure_rate", resolves_after=1)
    evaluate_hour(get_hour(1), shades, user, failed=40)
    now = timezone.now().replace(hour=6, minute=59) + DAY
    settings.ALERT_DIGEST_HOUR = 7
    AlertNotification.objects.all().delete()
    queue_digest(now=now)
    assert not AlertNotification.objects.exists()
    with translation.override("de"):
        for minutes in (1, 2, 600):
            send_notifications(now=now + minutes * MINUTE)
    assert list_subjects() == ["[mlsite] Daily digest: 1 open alert"]
    assert "- Failure rate of shades: 100.0%." in mail.outbox[0].body
    send_notifications(now=now + DAY + MINUTE)
    assert len(mail.outbox) == 2
    Alert.objects.update(resolved_at=now + DAY + 2 * MINUTE, resolution="recovered")
    send_notifications(now=now + 2 * DAY)
    assert len(mail.outbox) == 2
    send_notifications(now=now + 2 * DAY + MINUTE)
    assert mail.outbox[2].subject == "[mlsite] Daily digest: 0 open alerts"
    assert "Recently resolved:" in mail.outbox[2].body


def test_old_rows_are_deleted(user, shades):
    use_only("failure_rate")
    evaluate_hour(get_hour(0), shades, user, failed=40)
    send_notifications()
    now = timezone.now()
    delete_old_alerts(now=now + 89 * DAY)
    assert AlertNotification.objects.count() == 1
    delete_old_alerts(now=now + 91 * DAY)
    assert not AlertNotification.objects.exists()
    delete_old_alerts(now=now + 1000 * DAY)
    assert Alert.objects.exists()  # it is open
    Alert.objects.update(resolved_at=now, resolution="recovered")
    delete_old_alerts(now=now + 731 * DAY)
    assert not Alert.objects.exists()
    assert AlertState.objects.exists()
