"""Builders of predictions, uploads and stored files for tests."""

from __future__ import annotations

from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile

from inference.tests.factories import make_image
from predictions.services import predict

PREDICTIONS_URL = "/api/v1/predictions/"


def make_prediction(user, data=None, *, name="a.png", **options):
    data = make_image(255) if data is None else data
    return predict(user=user, source="api", image=ContentFile(data, name=name), **options)


def list_stored_files(settings):
    folder = Path(settings.MEDIA_ROOT)
    return [path for path in folder.rglob("*") if path.is_file()]


def make_image_file(data=None, name="seven.png"):
    return SimpleUploadedFile(name, make_image(255) if data is None else data)


def make_upload(data=None, name="seven.png"):
    return SimpleUploadedFile(name, make_image(255) if data is None else data, "text/html")
