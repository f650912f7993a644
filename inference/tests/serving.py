"""Serve an artifact as the registry does, without the registry."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from inference.predictor import Predictor
from inference.preprocessing import collate, read_features
from inference.runtimes import open_runtime, runtime_for
from inference.signature.settling import settle
from inference.types import Answer, ModelSpec, Output


@contextmanager
def serving(
    path: Path, *, trusted: bool = False, taken: dict[str, Any] | None = None, output: Any = None, labels: Any = ()
) -> Iterator[Predictor]:
    """Load, settle what `model.toml` would say with what the artifact says, warm up."""
    name = runtime_for(path)
    runtime = open_runtime(name, path, threads=1, trusted=trusted)
    run = runtime.load()
    signature, found = settle(runtime.describe(), given_input=taken or {}, given_output=output or {}, labels=labels)
    predictor = Predictor(ModelSpec(path.name, 1, name, path, "", signature, found, trusted), run)
    try:
        predictor.warm_up()
        yield predictor
    finally:
        predictor.close()


def ask(predictor: Predictor, features: Any) -> Answer:
    return predictor.predict(read_features(features, predictor.spec.signature.input), timeout=60)


def at_once(predictor: Predictor, items: Sequence[Any]) -> Output:
    """Run rows or arrays of images as one batch, past the queue, which may take them apart."""
    return predictor._run(collate(predictor.spec.signature.input, items))
