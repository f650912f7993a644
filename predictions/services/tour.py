"""A tour for people without an account: a few samples, each asked once, whoever clicks."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile

from accounts.models import User
from accounts.services import keep_guest
from inference.errors import InvalidInput
from predictions.models import ModelVersion, Prediction
from predictions.registry import resolve
from predictions.services.predict import predict

MODEL = "digits"
GUEST = "(tour)"


def samples() -> dict[str, Path]:
    """Return the pictures of the tour by name, as the example model brings them."""
    return {path.stem: path for path in sorted(Path(settings.BASE_DIR, "examples", MODEL, "samples").glob("*.png"))}


def answer_to(sample: str, *, version: ModelVersion | None = None) -> Prediction | None:
    """Return what the model has said of a sample to a visitor before; None when nobody has clicked it yet."""
    asked = Prediction.objects.filter(user__username=GUEST, client_reference=sample, status=Prediction.Status.SUCCEEDED)
    return asked.filter(model_version=version or resolve(MODEL)).complete().order_by("id").first()


def ask_sample(sample: str) -> Prediction:
    """Ask the model about a sample, unless a visitor before has: strangers cannot fill the ledger.

    Raises:
        InvalidInput: there is no such sample.
        UnknownModel: the example model is not there.
        InferenceError, StorageFull: as `predict` does.
    """
    path = samples().get(sample)
    if path is None:
        raise InvalidInput(f"There is no sample {sample[:60]!r}.", code="unknown-sample", field="sample")
    version = resolve(MODEL)
    picture = ContentFile(path.read_bytes(), name=path.name)
    return answer_to(sample, version=version) or predict(
        user=_guest(), source=Prediction.Source.WEB, image=picture, model=str(version), client_reference=sample
    )


def _guest() -> User:
    return keep_guest(username=GUEST)
