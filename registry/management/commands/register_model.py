"""Register a model, or the next version of a model."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from accounts.management import find_user
from inference.errors import InferenceError
from inference.signature.image import SCALES
from registry.errors import describe_error
from registry.querysets import PRODUCTION
from registry.services import register_model


class Command(BaseCommand):
    help = "Verify a model, copy it into MODEL_ROOT, and register it as the next version."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", type=Path, help="a folder with a model.toml, or a bare artifact (a file or a folder)")
        parser.add_argument("--name", default="", help="name of the model; default: the name in model.toml or the file name")
        parser.add_argument("--labels", type=Path, help="a text file with one label per line, in the order of the outputs")
        parser.add_argument("--scale", default="", choices=SCALES, help="how the model's training code scaled the pixels")
        parser.add_argument(
            "--preset", default="", metavar="PRESET", help="image preprocessing of a library: keras-resnet50, …"
        )
        parser.add_argument(
            "--trusted",
            action="store_true",
            help="allow the model to run its author's code; required for .h5, .pkl, .joblib, SavedModel, and MLflow",
        )
        parser.add_argument("--user", default="", help="username recorded as the creator")
        parser.add_argument("--promote", action="store_true", help="point the alias production to the new version")

    def handle(self, *args: Any, **options: Any) -> None:
        arguments = {name: options[name] for name in ("path", "name", "labels", "scale", "preset", "promote", "trusted")}
        try:
            version = register_model(**arguments, user=find_user(options["user"]))
        except (InferenceError, ValidationError) as error:
            raise CommandError(f"Not registered: {describe_error(error)}") from error
        framework = f"{version.framework} {version.framework_version}".strip()
        trusted = ", trusted to run its code" if version.trusted else ""
        self.stdout.write(f"Registered {version} for {version.model.task} ({framework}, {version.size:,} bytes{trusted}).")
        if options["promote"]:
            self.stdout.write(f"{version.model.name}@{PRODUCTION} -> {version.number}")
        else:
            self.stdout.write(f"To use this version: manage.py promote_model {version.model.name} {version.number}")
