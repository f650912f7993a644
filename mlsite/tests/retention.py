"""What the tests of retention policies share."""

import io

from django.core.management import call_command

from monitoring.services.rollup import roll_up
from predictions.models import RetentionRun
from predictions.services.summaries import update_summaries

SCHEDULE = RetentionRun.Trigger.SCHEDULE


def count_all(now):
    update_summaries(now=now)
    roll_up(now=now)


def verify():
    call_command("verify_store", "--older-than", "0", stdout=io.StringIO())
