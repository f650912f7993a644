"""From an installed project to a site that works. Safe to run again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.services import create_user
from inference.artifacts import hash_artifact
from registry.manifest import read_manifest
from registry.models import ModelVersion
from registry.services import register_model

DEMO = "demo"
EXAMPLES = ("digits", "iris", "diabetes")  # the first is the one that answers when a request names none


class Command(BaseCommand):
    help = "Migrate, collect static files, register the example models and make the demo account. Safe to run again."

    def handle(self, *args: Any, **options: Any) -> None:
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        for name in EXAMPLES:
            self._register(Path(settings.BASE_DIR, "examples", name))
        call_command("roll_up", verbosity=0)
        self._make_demo()
        self.stdout.write(f"The site is at http://{settings.HOST}:{settings.PORT}/ once it runs.")

    def _register(self, folder: Path) -> None:
        manifest = read_manifest(folder)
        known = ModelVersion.objects.filter(model__name=manifest.name)
        if known.filter(sha256=hash_artifact(manifest.artifact)).exists():
            return
        version = register_model(path=folder, promote=True)
        self.stdout.write(f"Registered {version}")

    def _make_demo(self) -> None:
        """Make the account that can see everything, with the password that `.env` keeps; none in an installation without."""
        password = settings.DEMO_PASSWORD
        if not password:
            return
        user = User.objects.filter(username=DEMO).first() or create_user(username=DEMO, password=password, superuser=True)
        if user.check_password(password):
            self.stdout.write(f"Sign in as {DEMO} with the password {password}")
        else:
            self.stdout.write(f"Sign in as {DEMO} with the password you gave it; forgotten: manage.py changepassword {DEMO}")
