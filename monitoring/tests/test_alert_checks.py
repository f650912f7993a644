"""Invalid settings of notifications are reported, without the address of the webhook, and do not stop the job."""

import pytest

from monitoring.checks import check_alert_channels
from monitoring.models import AlertNotification
from monitoring.services.notifications import queue_test, send_notifications

INVALID_URLS = ["hooks.example.org/key", "ftp://example.org/key", "https:///key", "https://x:99999/key", "http://a b/key"]


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "value", "ids"),
    [
        ("ALERT_EMAILS", ["a@example.org", "nobody", ""], ["monitoring.E001"] * 2),
        ("ALERT_EMAILS", ["a@example.org"], []),
        *(("ALERT_WEBHOOK_URL", url, ["monitoring.E002"]) for url in (*INVALID_URLS, "https://user:key@example.org/")),
        ("ALERT_WEBHOOK_URL", "https://hooks.example.org:8443/services/key?x=1", []),
        ("ALERT_WEBHOOK_URL", "http://[::1]:8000/key", []),
        ("ALERT_DIGEST_HOUR", 24, ["monitoring.E003"]),
        ("ALERT_DIGEST_HOUR", -2, ["monitoring.E003"]),
        ("ALERT_DIGEST_HOUR", -1, []),
    ],
)
def test_settings_are_checked(settings, name, value, ids):
    setattr(settings, name, value)
    errors = check_alert_channels()
    assert [error.id for error in errors] == ids
    assert "key" not in str(errors)


@pytest.mark.django_db
@pytest.mark.parametrize("url", INVALID_URLS)
def test_an_invalid_address_is_an_error_of_the_notification(settings, user, url):
    settings.ALERT_EMAILS, settings.ALERT_WEBHOOK_URL, settings.ALERT_DIGEST_HOUR = ["nobody@["], url, -1
    queue_test(user=user)
    send_notifications()
    assert "key" not in AlertNotification.objects.get(channel="webhook").error
    assert AlertNotification.objects.get(channel="webhook").attempts == 1
