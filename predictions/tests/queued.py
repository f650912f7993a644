"""Queue and run predictions in tests."""

from datetime import timedelta

from django.core.files.base import ContentFile
from django.utils import timezone

from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.services.background import (
    queue_prediction,
    run_queued_prediction,
)


def queue_image(user, data=None, **options):
    data = make_image(255) if data is None else data
    return queue_prediction(user=user, source="api", image=ContentFile(data, name="a.png"), **options)


def run(prediction):
    run_queued_prediction(str(prediction.pk))
    return Prediction.objects.get(pk=prediction.pk)


def in_the_future(settings):
    return timezone.now() + timedelta(seconds=settings.BACKGROUND_LEASE_SECONDS + 1)
