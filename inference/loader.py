"""Load a model version from disk: verify the artifact, load it, and warm it up."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from inference.artifacts import hash_artifact, hash_file
from inference.batcher import MAX_BATCH_ITEMS, MAX_QUEUE_ITEMS
from inference.errors import ArtifactMismatch, InferenceError, InferenceTimeout, InvalidArtifact, ModelUnavailable
from inference.predictor import Predictor
from inference.runtimes import load_artifact
from inference.types import BatchFunction, ConvertedFile, ModelSpec

logger = logging.getLogger(__name__)


def load_predictor(
    spec: ModelSpec,
    *,
    threads: int = 0,
    max_batch_items: int = MAX_BATCH_ITEMS,
    max_queue_items: int = MAX_QUEUE_ITEMS,
) -> Predictor:
    """Verify, load, and warm up one model version.

    Raises:
        ArtifactMismatch: the file differs from the registered one. It is not parsed.
        ModelUnavailable: the file is missing or cannot be loaded, or the model does not respond to its sample input.
        ModelError: the output for a sample input does not match the signature.
    """
    started = perf_counter()
    verify_artifact(spec)
    start = partial(_start_predictor, spec, max_batch_items=max_batch_items, max_queue_items=max_queue_items)
    predictor, runtime = _start_converted(spec, start, threads), "converted"
    if predictor is None:
        runtime = spec.runtime
        try:
            loaded, run = load_artifact(runtime, spec.path, threads=threads, trusted=spec.trusted)
        except InferenceError as error:
            # The cause is for the operator only: its text comes from the artifact and can contain paths.
            raise ModelUnavailable(f"{spec} cannot be loaded.") from error
        predictor = start(run, is_reentrant=loaded.is_reentrant)
    duration = round((perf_counter() - started) * 1000)
    logger.info("model loaded", extra={"model": str(spec), "runtime": runtime, "load_ms": duration})
    return predictor


def _start_converted(spec: ModelSpec, start: Callable[..., Predictor], threads: int) -> Predictor | None:
    """Return the predictor of the converted file. If it cannot be used, log an error and return None."""
    if spec.converted is None:
        return None
    try:
        problem = find_converted_problem(spec.converted)
        if problem:
            raise InvalidArtifact(problem)
        loaded, run = load_artifact(spec.converted.runtime, spec.converted.path, threads=threads)
        return start(run, is_reentrant=loaded.is_reentrant)
    except InferenceError as error:
        logger.error(
            "converted network cannot be used; its artifact runs instead", extra={"model": str(spec)}, exc_info=error
        )
        return None


def _start_predictor(spec: ModelSpec, run: BatchFunction, **options: Any) -> Predictor:
    predictor = Predictor(spec, run, **options)
    try:
        predictor.warm_up()
    except InferenceTimeout as error:
        predictor.close()
        raise ModelUnavailable(f"{spec} does not respond to its sample input.") from error
    except InferenceError:
        predictor.close()
        raise
    return predictor


def find_converted_problem(converted: ConvertedFile) -> str:
    """Return why a converted file is not the registered one; empty if it is."""
    try:
        actual = hash_file(converted.path)
    except OSError:
        return f"{converted.path.name} cannot be read."
    return "" if actual == converted.sha256 else f"Expected sha256 {converted.sha256}. Received: {actual}"


def verify_artifact(spec: ModelSpec) -> None:
    """Check that the artifact at `spec.path` has the registered SHA-256.

    Raises:
        ArtifactMismatch: the hash differs.
        ModelUnavailable: the artifact cannot be read.
    """
    try:
        actual = hash_artifact(spec.path)
    except (OSError, InferenceError) as error:
        raise ModelUnavailable(f"The artifact of {spec} cannot be read.") from error
    if actual != spec.sha256:
        cause = InvalidArtifact(f"Expected sha256 {spec.sha256}. Received: {actual}")
        raise ArtifactMismatch(f"The artifact of {spec} differs from the registered file.") from cause
