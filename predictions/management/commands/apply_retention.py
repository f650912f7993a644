"""Remove the data that is older than the retention policies allow."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.database_limits import use_job_limits
from predictions.models import RetentionPolicy, RetentionRun
from predictions.services.retention import apply_policy, preview_policy


class Command(BaseCommand):
    help = "Remove the images, predictions, and files of batch jobs that are older than the retention policies allow."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--model", metavar="NAME", help="apply only the policy of this model")
        parser.add_argument("--dry-run", action="store_true", help="only count what would be removed")

    def handle(self, *args: Any, **options: Any) -> None:
        policies = RetentionPolicy.objects.select_related("model").order_by("model__name")
        if options["model"]:
            policies = policies.filter(model__name=options["model"])
        if not policies:
            raise CommandError("There is no retention policy. Set one with set_retention.")
        with use_job_limits():
            for policy in policies:
                if options["dry_run"]:
                    removed, verb = preview_policy(policy=policy), "to remove"
                else:
                    removed, verb = apply_policy(policy=policy, trigger=RetentionRun.Trigger.COMMAND), "removed"
                counts = f"{removed.predictions:,} predictions, {removed.images:,} images"
                self.stdout.write(f"{policy.model.name}: {counts}, {removed.job_files:,} files of batch jobs {verb}")
