"""Ask a model about files from the command line."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError

from accounts.models import User
from inference.errors import InferenceError
from predictions.models import Prediction
from predictions.services import predict


class Command(BaseCommand):
    help = "Ask MODEL (name, name@alias or name:version) about each FILE; the answers are kept like any others."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("model")
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--user", help="whose predictions they are; default: nobody's")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        user = self._user(options["user"])
        refused = 0
        for path in options["files"]:
            try:
                prediction = self._predict(path, options["model"], user)
            except (InferenceError, OSError) as error:
                refused += 1
                self.stderr.write(f"{path}: {getattr(error, 'strerror', None) or error}")
                continue
            refused += prediction.status == Prediction.Status.FAILED
            self.stdout.write(json.dumps(_as_json(path, prediction)) if options["json"] else _as_text(path, prediction))
        if refused:
            raise CommandError(f"{refused} of {len(options['files'])} files have no answer.")

    def _user(self, name: str | None) -> User | None:
        user = User.objects.filter(username=name).first()
        if name and user is None:
            raise CommandError(f"There is no user {name!r}.")
        return user

    def _predict(self, path: Path, model: str, user: User | None) -> Prediction:
        with path.open("rb") as file:
            return predict(user=user, source=Prediction.Source.CLI, image=File(file, name=path.name), model=model)


def _as_text(path: Path, prediction: Prediction) -> str:
    if prediction.status == Prediction.Status.FAILED:
        return f"{path}\tfailed\t{prediction.error_message}"
    return f"{path}\t{prediction.label}\t{prediction.confidence:.4f}\t{prediction.id}"


def _as_json(path: Path, prediction: Prediction) -> dict[str, Any]:
    return {
        "file": str(path),
        "id": str(prediction.id),
        "status": prediction.status,
        "label": prediction.label,
        "confidence": prediction.confidence,
        "output": prediction.output,
        "error": prediction.error_message,
    }
