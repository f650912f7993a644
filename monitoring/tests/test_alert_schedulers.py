"""Several schedulers that share a database open one alert and send one notification."""

import threading

import pytest
from django.core import mail
from django.db import connections

from monitoring.models import Alert, AlertNotification, AlertRule
from monitoring.services.alerts import evaluate_alerts
from monitoring.services.notifications import send_notifications
from monitoring.services.rollup import roll_up
from monitoring.tests.alert_factories import EVALUATION_DELAY, get_hour, use_only
from monitoring.tests.factories import make_outcomes
from monitoring.windows import HOUR

SCHEDULERS = 4


def run_together(function):
    """Run a function in several threads at the same time, and return the results."""
    barrier, results = threading.Barrier(SCHEDULERS), []

    def run():
        try:
            barrier.wait(timeout=20)
            results.append(function())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(SCHEDULERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    return results


@pytest.mark.django_db(transaction=True)
def test_schedulers_do_not_repeat_each_other(shades, user, settings):
    settings.ALERT_EMAILS, settings.ALERT_DIGEST_HOUR = ["ops@example.org"], 0
    assert AlertRule.objects.count() == 8  # created again after the database was emptied
    use_only("failure_rate", opens_after=2)
    hour = get_hour(1)
    for number in range(2):
        make_outcomes(shades, user, hour + number * HOUR, failed=40)
        now = hour + (number + 1) * HOUR + EVALUATION_DELAY
        roll_up(now=now)
        assert sorted(run_together(lambda moment=now: evaluate_alerts(now=moment))) == [0, 0, 0, 1]
    assert Alert.objects.count() == 1
    sent = run_together(lambda: send_notifications(now=now))
    assert sum(sent) == len(mail.outbox) == AlertNotification.objects.count() == 2  # with the digest
