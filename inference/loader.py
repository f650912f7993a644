"""Load a model version from disk: verify the artifact, load it, and warm it up."""

from __future__ import annotations

import logging
from time import perf_counter

from inference.artifacts import hash_artifact
from inference.batcher import MAX_BATCH_ITEMS, MAX_QUEUE_ITEMS
from inference.errors import ArtifactMismatch, InferenceError, InvalidArtifact, ModelUnavailable
from inference.predictor import Predictor
from inference.runtimes import load_artifact
from inference.types import ModelSpec

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
        ModelUnavailable: the file is missing or cannot be loaded.
        ModelError: the output for a sample input does not match the signature.
    """
    started = perf_counter()
    verify_artifact(spec)
    try:
        _, run = load_artifact(spec.runtime, spec.path, threads=threads, trusted=spec.trusted)
    except InferenceError as error:
        # The cause is for the operator only: its text comes from the artifact and can contain paths.
        raise ModelUnavailable(f"{spec} cannot be loaded.") from error
    predictor = Predictor(spec, run, max_batch_items=max_batch_items, max_queue_items=max_queue_items)
    try:
        predictor.warm_up()
    except InferenceError:
        predictor.close()
        raise
    logger.info("model loaded", extra={"model": str(spec), "load_ms": round((perf_counter() - started) * 1000)})
    return predictor


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
