"""From a reference (`digits`, `digits@staging`, `digits:2`) to a model version, and from that to its predictor."""

from __future__ import annotations

import re
import threading
from functools import cache, partial
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.models import User
from inference.errors import InferenceError
from inference.pool import PredictorPool, load_predictor
from inference.predictor import Predictor
from inference.types import ModelSpec, Signature
from predictions.models import Alias, ModelVersion
from predictions.querysets import PRODUCTION, sees_everything

_making_the_pool = threading.Lock()
REFERENCE = re.compile(r"(?P<name>[a-z][a-z0-9-]*)(?:@(?P<alias>[a-z][a-z0-9-]*)|:(?P<number>[1-9][0-9]{0,8}))?", re.ASCII)


class InactiveModel(InferenceError):
    """A model that no alias points into: it can be tried out by those who see everything, and by command."""

    code = "inactive-model"
    field = "model"


class UnknownModel(InferenceError):
    """No model, version or alias of that name."""

    code = "unknown-model"
    field = "model"


def resolve(reference: str = "", *, user: User | None = None) -> ModelVersion:
    """Return the model version that a reference means, in one query.

    Args:
        reference: `name` (its production alias), `name@alias` or `name:number`; empty for the default model.
        user: who asks; None for the operator.

    Raises:
        UnknownModel: when there is none.
        InactiveModel: when no alias points into the model yet, and the user may not try it out.
    """
    reference = reference or settings.DEFAULT_MODEL
    if not reference:
        return _first_in_production()
    match = REFERENCE.fullmatch(reference)
    if match is None:
        raise UnknownModel(f"Expected a model as name, name@alias or name:version. Received: {reference[:120]!r}")
    if match["number"]:
        found = _versions().filter(model__name=match["name"], number=int(match["number"])).first()
    else:
        found = _versions().filter(model__name=match["name"], aliases__name=match["alias"] or PRODUCTION).first()
    if found is None:
        raise UnknownModel(
            f"There is no model {reference!r}, or no version of it in use. Ask as name, name@alias or name:version."
        )
    if user and not found.active and not sees_everything(user):
        raise InactiveModel(f"The model {found.model.name} is not in use: no alias points into it yet.")
    return found


def get_predictor(version: ModelVersion, *, timeout: float | None = None) -> Predictor:
    """Return the predictor of a version, loading it when this process has not yet.

    Args:
        timeout: seconds to wait while another thread is loading it.

    Raises:
        ModelUnavailable: when it does not load.
        InferenceTimeout: when it is still being loaded.
    """
    return get_pool().get(spec_of(version), timeout=timeout)


def spec_of(version: ModelVersion) -> ModelSpec:
    """Return what inference needs to know of a version, and no more."""
    return ModelSpec(
        name=version.model.name,
        number=version.number,
        runtime=version.runtime,
        path=Path(settings.MODEL_ROOT, version.artifact),
        sha256=version.sha256,
        signature=Signature.from_dict(version.signature),
        labels=tuple(version.labels),
    )


def get_pool() -> PredictorPool:
    """Return this process's pool, the same to all its threads."""
    with _making_the_pool:
        return make_pool()


@cache
def make_pool() -> PredictorPool:
    return PredictorPool(
        partial(
            load_predictor,
            threads=settings.INFERENCE_THREADS,
            max_batch=settings.MAX_BATCH,
            capacity=settings.MAX_QUEUE,
        )
    )


def production_versions() -> list[ModelVersion]:
    """Return the versions behind the production aliases: those that must be loaded for the process to be ready."""
    return [alias.version for alias in _production()]


def _versions():
    active = Exists(Alias.objects.filter(model=OuterRef("model")))
    return ModelVersion.objects.select_related("model").annotate(active=active)


def _production():
    return Alias.objects.filter(name=PRODUCTION).select_related("version__model").order_by("model_id")


def _first_in_production() -> ModelVersion:
    alias = _production().first()
    if alias is None:
        raise UnknownModel("No model is in production yet. Register one: manage.py register_model PATH --promote")
    return alias.version
