"""Set up a working site: database, static files, example models and a demo account."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.services import create_user
from demo.services.static_files import collect_static_files
from demo.services.summary import DEMO_USERNAME, SUMMARY_VARIABLE, build_summary
from inference.artifacts import hash_artifact
from registry.manifest import read_manifest
from registry.models import ModelVersion
from registry.services import register_model

EXAMPLE_NAMES = ("digits", "iris", "diabetes")  # the first becomes the default model


class Command(BaseCommand):
    help = (
        "Set up the site: migrate, collect static files, register the example models, and create the demo account. "
        "You can safely run this command again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        collect_static_files()
        for name in EXAMPLE_NAMES:
            self._register_example(Path(settings.BASE_DIR, "examples", name))
        call_command("roll_up", verbosity=0)
        self._create_demo_account()
        if not os.environ.get(SUMMARY_VARIABLE):
            self.stdout.write(build_summary("The site is set up."))

    def _register_example(self, folder: Path) -> None:
        manifest = read_manifest(folder)
        versions = ModelVersion.objects.filter(model__name=manifest.name)
        if versions.filter(sha256=hash_artifact(manifest.artifact)).exists():
            return
        version = register_model(path=folder, promote=True)
        self.stdout.write(f"Registered {version}")

    def _create_demo_account(self) -> None:
        """Create the superuser `demo` if there is a DEMO_PASSWORD and no such user."""
        if settings.DEMO_PASSWORD and not User.objects.filter(username=DEMO_USERNAME).exists():
            create_user(username=DEMO_USERNAME, password=settings.DEMO_PASSWORD, superuser=True)
