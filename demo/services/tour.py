"""A tour for people without an account: a few samples, each asked once, whoever clicks."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from accounts.services import get_or_create_system_user
from inference.errors import InvalidInput, Overloaded
from predictions.models import Prediction
from predictions.querysets import PredictionQuerySet
from predictions.services.predict import predict
from registry.models import ModelVersion
from registry.references import resolve_version

MODEL = "digits"
GUEST = "(tour)"
MOST_TRIES = 3  # of one sample in `LATELY`, while the model fails; clicks at the same moment may be a few more
LATELY = timedelta(hours=1)


def samples() -> dict[str, Path]:
    """Return the pictures of the tour by name, as the example model brings them."""
    return {path.stem: path for path in sorted(Path(settings.BASE_DIR, "examples", MODEL, "samples").glob("*.png"))}


def get_sample_prediction(sample: str, *, version: ModelVersion | None = None) -> Prediction | None:
    """Return what the model has said of a sample to a visitor before; None when nobody has clicked it yet."""
    asked = _asked(sample, version or resolve_version(MODEL))
    return asked.filter(status=Prediction.Status.SUCCEEDED).with_related().order_by("id").first()


def predict_sample(sample: str) -> Prediction:
    """Ask the model about a sample, unless a visitor before has: strangers cannot fill the ledger.

    Raises:
        InvalidInput: there is no such sample.
        UnknownModel: the example model is not there.
        Overloaded: the model failed on this sample before, as often as it is tried.
        InferenceError, StorageFull: as `predict` does.
    """
    path = samples().get(sample)
    if path is None:
        raise InvalidInput(f"There is no sample {sample[:60]!r}.", code="unknown-sample", field="sample")
    version = resolve_version(MODEL)
    if answered := get_sample_prediction(sample, version=version):
        return answered
    if _asked(sample, version).filter(created_at__gt=timezone.now() - LATELY).count() >= MOST_TRIES:
        raise Overloaded("The model does not answer this sample just now. Try another one.")
    picture = ContentFile(path.read_bytes(), name=path.name)
    return predict(
        user=get_or_create_system_user(username=GUEST),
        source=Prediction.Source.WEB,
        image=picture,
        model=str(version),
        client_reference=sample,
    )


def _asked(sample: str, version: ModelVersion) -> PredictionQuerySet:
    rows: PredictionQuerySet = Prediction.objects.filter(user__username=GUEST, client_reference=sample)
    return rows.filter(model_version=version)
