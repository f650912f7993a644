"""From a reference (`digits`, `digits@staging`, `digits:2`) to a model version, and from that to its predictor."""

from __future__ import annotations

import re
import threading
from contextlib import AbstractContextManager
from functools import cache, lru_cache, partial
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef

from accounts.models import User
from inference.errors import InferenceError, ModelError
from inference.pool import PredictorPool, load_predictor
from inference.predictor import Predictor
from inference.signature import Signature
from inference.signature.feature import nearest
from inference.types import ModelSpec
from predictions.models import Alias, AliasChange, ModelVersion, RegisteredModel
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
        raise _unknown(match, user)
    if user and not found.active and not sees_everything(user):
        raise InactiveModel(f"The model {found.model.name} is not in use: no alias points into it yet.")
    return found


def standby_for(version: ModelVersion, reference: str = "") -> ModelVersion | None:
    """Return the version that the alias in a reference pointed at before this one; None for a version by its number."""
    match = REFERENCE.fullmatch(reference or settings.DEFAULT_MODEL)
    if match and match["number"]:
        return None
    return version_before(version, alias=(match and match["alias"]) or PRODUCTION)


def version_before(version: ModelVersion, *, alias: str) -> ModelVersion | None:
    """Return the version that an alias pointed at before this one."""
    moves = AliasChange.objects.filter(model=version.model_id, alias=alias, to_version=version)
    last = moves.exclude(from_version=version).select_related("from_version__model").order_by("-id").first()
    return last.from_version if last else None


def lease(version: ModelVersion, *, timeout: float | None = None) -> AbstractContextManager[Predictor]:
    """Give the predictor of a version, loading it when this process has not yet, and keep it loaded meanwhile.

    Args:
        timeout: seconds to wait while another thread is loading it, or while there is no room for it.

    Raises:
        ModelUnavailable: when it does not load.
        InferenceTimeout: when it is still being loaded.
        Overloaded: when every model that this process has room for is answering.
    """
    return get_pool().lease(spec_of(version), timeout=timeout)


def spec_of(version: ModelVersion) -> ModelSpec:
    """Return what inference needs to know of a version, and no more. Versions are frozen: it is made once."""
    return _spec_of(version, settings.MODEL_ROOT)


@lru_cache(maxsize=1024)
def _spec_of(version: ModelVersion, root: str) -> ModelSpec:
    return ModelSpec(
        name=version.model.name,
        number=version.number,
        runtime=version.runtime,
        path=Path(root, version.artifact),
        sha256=version.sha256,
        signature=Signature.from_dict(version.signature),
        labels=tuple(version.labels),
        trusted=version.trusted,
        size=version.size,
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
        ),
        max_predictors=settings.MAX_LOADED_MODELS,
        max_bytes=settings.MAX_LOADED_BYTES,
    )


def production_versions() -> list[ModelVersion]:
    """Return the versions behind the production aliases: those that must be loaded for the process to be ready."""
    return [alias.version for alias in _production()]


def for_operators(error: Exception) -> str:
    """Return what went wrong with a model, and why. Why may name paths of this machine: it is for no one else."""
    message = getattr(error, "message", None) or " ".join(getattr(error, "messages", [str(error)]))
    cause = error.__cause__ if isinstance(error, ModelError) else None
    return f"{message} ({getattr(cause, 'message', cause)})" if cause else message


def _unknown(match: re.Match[str], user: User | None) -> UnknownModel:
    """Return what is missing, the model, its alias or its version, as far as this user may know of it."""
    visible = RegisteredModel.objects.visible_to(user) if user else RegisteredModel.objects.all()
    name, alias, number = match["name"], match["alias"], match["number"]
    if name not in (names := list(visible.values_list("name", flat=True))):
        near = nearest(name, names)
        hint = f"Did you mean {near}?" if near else "Ask as name, name@alias or name:version."
        return UnknownModel(f"There is no model {name!r}, or no version of it in use. {hint}")
    if number:
        return UnknownModel(f"The model {name} has no version {number}.")
    return UnknownModel(f"The model {name} has no alias {alias or PRODUCTION}. Ask for a version by its number: {name}:1.")


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
