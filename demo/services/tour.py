"""Predict the sample images of the tour, for visitors without an account. Each sample is predicted once per version."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone
from django.utils.translation import gettext

from accounts.services import get_or_create_system_user
from inference.errors import InvalidInput, Overloaded
from predictions.models import Prediction
from predictions.querysets import PredictionQuerySet
from predictions.services.predict import predict
from registry.models import ModelVersion
from registry.references import resolve_version

MODEL_NAME = "digits"
TOUR_USERNAME = "(tour)"
MAX_ATTEMPTS = 3  # per sample and `ATTEMPT_PERIOD`, while the model fails; simultaneous requests can exceed it slightly
ATTEMPT_PERIOD = timedelta(hours=1)
MAX_SHOWN_CHARACTERS = 60  # of an unknown sample in an error message


def list_samples() -> dict[str, Path]:
    """Return the sample images of the example model by name."""
    folder = Path(settings.BASE_DIR, "examples", MODEL_NAME, "samples")
    return {path.stem: path for path in sorted(folder.glob("*.png"))}


def get_sample_prediction(sample: str, *, version: ModelVersion) -> Prediction | None:
    """Return the stored prediction of a sample; None if no visitor has chosen it yet."""
    predictions = _get_tour_predictions(sample, version).filter(status=Prediction.Status.SUCCEEDED)
    return predictions.with_related().order_by("id").first()


def predict_sample(*, sample: str) -> Prediction:
    """Return the prediction of a sample. Run the model only if there is none yet, so that visitors cannot fill the database.

    Raises:
        InvalidInput: the sample does not exist.
        UnknownModel: the example model is not registered.
        Overloaded: the model has recently failed `MAX_ATTEMPTS` times for this sample.
        InferenceError, StorageUnavailable: as in `predict`.
    """
    path = list_samples().get(sample)
    if path is None:
        message = gettext("The sample %(sample)r does not exist.") % {"sample": sample[:MAX_SHOWN_CHARACTERS]}
        raise InvalidInput(message, code="unknown-sample", field="sample")
    version = resolve_version(MODEL_NAME)
    if stored := get_sample_prediction(sample, version=version):
        return stored
    recent = _get_tour_predictions(sample, version).filter(created_at__gt=timezone.now() - ATTEMPT_PERIOD)
    if recent.count() >= MAX_ATTEMPTS:
        raise Overloaded(gettext("The model is currently failing for this sample. Choose another one, or try again later."))
    return predict(
        user=get_or_create_system_user(username=TOUR_USERNAME),
        source=Prediction.Source.WEB,
        image=ContentFile(path.read_bytes(), name=path.name),
        model=str(version),
        client_reference=sample,
    )


def _get_tour_predictions(sample: str, version: ModelVersion) -> PredictionQuerySet:
    predictions: PredictionQuerySet = Prediction.objects.filter(user__username=TOUR_USERNAME, client_reference=sample)
    return predictions.filter(model_version=version)
