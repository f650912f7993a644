"""Set up a working site: database, static files, example models and a demo account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from accounts.models import User
from accounts.services import create_user
from demo.services.static_files import collect_static_files
from inference.artifacts import hash_artifact
from registry.manifest import read_manifest
from registry.models import ModelVersion
from registry.services import register_model

DEMO_USERNAME = "demo"
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
        account, password = self._create_demo_account()
        self.stdout.write("\nThe site is set up.\n\n")
        self.stdout.write(f"  Address:   http://{settings.HOST}:{settings.PORT}/")
        self.stdout.write(f"  Account:   {account}")
        self.stdout.write(f"  Password:  {password}\n")

    def _register_example(self, folder: Path) -> None:
        manifest = read_manifest(folder)
        versions = ModelVersion.objects.filter(model__name=manifest.name)
        if versions.filter(sha256=hash_artifact(manifest.artifact)).exists():
            return
        version = register_model(path=folder, promote=True)
        self.stdout.write(f"Registered {version}")

    def _create_demo_account(self) -> tuple[str, str]:
        """Create the superuser `demo` if there is a DEMO_PASSWORD. Return the account and the password to show."""
        password = settings.DEMO_PASSWORD
        if not password:
            return "none (DEMO_PASSWORD is empty). Create one: manage.py createsuperuser", "–"
        user = User.objects.filter(username=DEMO_USERNAME).first()
        if user is None:
            user = create_user(username=DEMO_USERNAME, password=password, superuser=True)
        if user.check_password(password):
            return f"{DEMO_USERNAME} (superuser)", password
        return f"{DEMO_USERNAME} (superuser)", f"not DEMO_PASSWORD. Set a new one: manage.py changepassword {DEMO_USERNAME}"
