"""Serve model versions: specifications, the pool of predictors of this process, and standby versions."""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from functools import cache, lru_cache, partial
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext

from inference.errors import ModelLoading
from inference.loader import load_predictor
from inference.pool import PredictorPool
from inference.predictor import Predictor
from inference.types import ConvertedFile, ModelSpec
from registry.models import AliasChange, ModelVersion
from registry.references import ModelReference, get_production_aliases

MAX_CACHED_SPECS = 1024
STANDBY_SECONDS = 1.0  # that requests wait for a version that is being loaded, if another one can serve them
MAX_STANDBYS = 10  # the newest ones, of which one that is loaded is chosen

_pool_lock = threading.Lock()


def get_standby(version: ModelVersion, reference: ModelReference) -> ModelVersion | None:
    """Return the version that the reference's alias pointed to before; None for a reference by version number."""
    alias = reference.resolved_alias
    return get_previous_version(version, alias=alias) if alias else None


def get_previous_version(version: ModelVersion, *, alias: str) -> ModelVersion | None:
    """Return the version that an alias pointed to before this one."""
    changes = AliasChange.objects.filter(model=version.model_id, alias=alias, to_version=version)
    change = changes.exclude(from_version=version).select_related("from_version__model").order_by("-id").first()
    return change.from_version if change else None


def get_standby_while_loading(version: ModelVersion, reference: ModelReference) -> ModelVersion | None:
    """Return the version that serves a reference until this one is loaded; None if that is this version itself.

    A version that loads within `STANDBY_SECONDS` serves all requests from its promotion on. While a slower one is loading,
    the version that the alias pointed to before serves them, if it is loaded. A reference by number has no standby.
    """
    alias, pool, spec = reference.resolved_alias, get_pool(), get_spec(version)
    if not alias or pool.is_loaded(spec) or pool.start_load(spec, seconds=STANDBY_SECONDS):
        return None
    changes = AliasChange.objects.filter(model=version.model_id, alias=alias).exclude(from_version=version)
    changes = changes.exclude(from_version=None).select_related("from_version__model").order_by("-id")
    standbys = (change.from_version for change in changes[:MAX_STANDBYS])
    return next((standby for standby in standbys if standby and pool.is_loaded(get_spec(standby))), None)


def check_loaded(version: ModelVersion, reference: ModelReference) -> None:
    """Let a page report early that a version is loading, which it then shows until the version is loaded.

    Raises:
        ModelLoading: the load has started but takes longer, and no standby serves the reference meanwhile.
    """
    pool, spec = get_pool(), get_spec(version)
    if pool.is_loaded(spec) or pool.start_load(spec, seconds=STANDBY_SECONDS):
        return
    if get_standby_while_loading(version, reference) is None and not pool.is_loaded(spec):
        raise ModelLoading(gettext("%(version)s is still loading. Try again in a moment.") % {"version": version})


def lease_predictor(version: ModelVersion, *, timeout: float | None = None) -> AbstractContextManager[Predictor]:
    """Return a context manager that provides the predictor of a version and keeps it loaded. Load it if necessary.

    Args:
        timeout: seconds to wait until the version is loaded.

    Raises:
        ModelUnavailable: the version does not load.
        ModelError: it loads, but fails on its sample input.
        ModelLoading: the version is still loading when the timeout expires.
        Overloaded: there is no room to load the version, because all loaded predictors are in use.
    """
    return get_pool().lease(get_spec(version), timeout=timeout)


def get_spec(version: ModelVersion) -> ModelSpec:
    """Return the specification that `inference` needs to load a version. Versions are immutable, so it is cached."""
    return _build_spec(version, settings.MODEL_ROOT)


@lru_cache(maxsize=MAX_CACHED_SPECS)
def _build_spec(version: ModelVersion, root: str) -> ModelSpec:
    return ModelSpec(
        name=version.model.name,
        number=version.number,
        runtime=version.runtime,
        path=Path(root, version.artifact),
        sha256=version.sha256,
        signature=version.parsed_signature,
        labels=tuple(version.labels),
        trusted=version.trusted,
        size=version.size,
        converted=get_converted_file(version, root),
    )


def get_converted_file(version: ModelVersion, root: str | Path) -> ConvertedFile | None:
    """Return the converted network of a version, or None if its artifact itself runs."""
    conversion = version.conversion
    if not conversion:
        return None
    return ConvertedFile(conversion["runtime"], Path(root, conversion["path"]), conversion["sha256"])


def get_pool() -> PredictorPool:
    """Return the pool of this process, which all its threads share."""
    with _pool_lock:
        return build_pool()


@cache
def build_pool() -> PredictorPool:
    """Build the pool from the settings. Call `get_pool` instead: without its lock, two threads could build two pools."""
    return PredictorPool(
        partial(
            load_predictor,
            threads=settings.INFERENCE_THREADS,
            max_batch_items=settings.MAX_BATCH,
            max_queue_items=settings.MAX_QUEUE,
        ),
        max_predictors=settings.MAX_LOADED_MODELS,
        max_bytes=settings.MAX_LOADED_BYTES,
    )


def get_production_versions() -> list[ModelVersion]:
    """Return the versions with a production alias. A process is ready when they are loaded."""
    return [alias.version for alias in get_production_aliases()]
