"""Load each model version that has an alias, and check its examples."""

from __future__ import annotations

from time import perf_counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from inference.errors import InferenceError
from inference.loader import find_converted_problem
from registry.errors import describe_error
from registry.models import ModelVersion
from registry.services.verify import verify_version
from registry.serving import get_converted_file


class Command(BaseCommand):
    help = "Load each model version that has an alias, and check its examples. Exit with status 1 if a version fails."

    def handle(self, *args: Any, **options: Any) -> None:
        versions = ModelVersion.objects.served().select_related("model")
        failed = [version for version in versions if not self._check_version(version)]
        if failed:
            raise CommandError(f"{len(failed)} of {len(versions)} versions with an alias failed.")
        if not versions:
            self.stdout.write("No version has an alias. Register one: manage.py register_model PATH --promote")

    def _check_version(self, version: ModelVersion) -> bool:
        started = perf_counter()
        try:
            verify_version(version=version)
        except InferenceError as error:
            self.stderr.write(f"{version}: {error.code}: {describe_error(error)}")
            return False
        converted = get_converted_file(version, settings.MODEL_ROOT)
        if converted and find_converted_problem(converted):
            self.stderr.write(
                f"{version}: the converted network is missing or damaged, so TensorFlow runs the artifact. Register "
                "the model again."
            )
        self.stdout.write(f"{version}: ok, loaded in {perf_counter() - started:.1f} s")
        return True
