"""Register a model file as the next version of a model."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.management import find_user
from inference.errors import InferenceError
from registry.errors import describe_error
from registry.services import register_model


class Command(BaseCommand):
    help = "Copy a model file into MODEL_ROOT, pin its sha256 and register it as the next version of its model."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a folder with a model.toml, or a bare artifact, file or folder")
        parser.add_argument("--name", default="", help="the model's name; default: as model.toml or the file says")
        parser.add_argument("--labels", type=Path, help="a text file with one label a line, in the order of the outputs")
        parser.add_argument(
            "--trusted",
            action="store_true",
            help="let it run its author's code: for .h5, .pkl, .joblib, SavedModel and MLflow; the version records it",
        )
        parser.add_argument("--user", default="", help="who registers it, for the record")
        parser.add_argument("--promote", action="store_true", help="let `production` point at the new version")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = {name: options[name] for name in ("path", "name", "labels", "promote", "trusted")}
        try:
            version = register_model(**chosen, user=find_user(options["user"]))
        except InferenceError as error:
            raise CommandError(f"Not registered: {describe_error(error)}") from error
        except ValidationError as error:
            raise CommandError(f"Not registered: {' '.join(error.messages)}") from error
        made_by = f"{version.framework} {version.framework_version}".strip()
        trusted = ", trusted to run its code" if version.trusted else ""
        self.stdout.write(f"Registered {version} for {version.model.task} ({made_by}, {version.size:,} bytes{trusted})")
        if options["promote"]:
            self.stdout.write(f"{version.model.name}@production -> {version.number}")
        else:
            self.stdout.write(f"To put it into use: manage.py promote_model {version.model.name} {version.number}")
