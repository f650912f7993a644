"""One file for each kind of artifact, named here and imported only when asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from inference.base import BaseRuntime
from inference.errors import InferenceError, InvalidArtifact
from inference.types import Run

RUNTIMES = {
    "keras": "inference.runtimes.keras.KerasRuntime",
    "tensorflow": "inference.runtimes.tensorflow.SavedModelRuntime",
    "onnx": "inference.runtimes.onnx.OnnxRuntime",
    "sklearn": "inference.runtimes.sklearn.SklearnRuntime",
    "mlflow": "inference.runtimes.mlflow.MlflowRuntime",
    "dummy": "inference.runtimes.dummy.DummyRuntime",
}


def open_runtime(name: str, path: Path, *, threads: int = 0, trusted: bool = False) -> BaseRuntime:
    """Return the runtime for an artifact, nothing loaded yet.

    Raises:
        InvalidArtifact: when there is none, or when it would run code of the artifact's author and is not trusted.
    """
    if name not in RUNTIMES and not trusted:
        raise InvalidArtifact(
            f"Expected a runtime of {', '.join(RUNTIMES)}. Received: {name!r}; to import it runs its code. If you trust it, "
            "register it with --trusted."
        )
    runtime = get_runtime(name)
    if not (trusted or runtime.loads_as_data(path)):
        raise InvalidArtifact(
            f"{path.name} is of a kind ({runtime.ending_of(path) or 'unknown'}) that runs its author's code when loaded, or "
            "may. If you trust where it comes from, register it with --trusted; "
            ".keras, .onnx and .skops files are loaded as data."
        )
    return runtime(path, threads=threads, trusted=trusted)


def load_artifact(name: str, path: Path, *, threads: int = 0, trusted: bool = False) -> tuple[BaseRuntime, Run]:
    """Load an artifact by the runtime of that name; return both the runtime and the function that runs a batch.

    Raises:
        InvalidArtifact: whatever the runtime, or code that comes with the artifact, raises.
    """
    runtime = open_runtime(name, path, threads=threads, trusted=trusted)
    try:
        return runtime, runtime.load()
    except InferenceError:
        raise
    # A pickle, a model folder or a foreign runtime is somebody's program: it may raise anything.
    except Exception as error:
        raise InvalidArtifact(f"{path.name} cannot be loaded: {type(error).__name__}: {error}") from error


def get_runtime(name: str) -> type[BaseRuntime]:
    """Return a runtime class by its short name, or a foreign one by its dotted path, whose import runs its code.

    Raises:
        InvalidArtifact: when there is no such runtime.
    """
    module, _, attribute = RUNTIMES.get(name, name).rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(RUNTIMES)
        raise InvalidArtifact(f"Expected a runtime ({known}) or the dotted path of one. Received: {name!r}") from error
    if not (isinstance(found, type) and issubclass(found, BaseRuntime)):
        raise InvalidArtifact(f"Expected a subclass of BaseRuntime. Received: {name!r}")
    return found


def runtime_for(path: Path) -> str:
    """Return the name of the runtime that loads this file, by its ending, or this folder, by the file that marks it.

    Raises:
        InvalidArtifact: when none does.
    """
    for name in RUNTIMES:
        if get_runtime(name).ending_of(path):
            return name
    known = [get_runtime(name) for name in RUNTIMES if name != "dummy"]
    if path.is_dir():
        markers = " or ".join(runtime.marker for runtime in known if runtime.marker)
        raise InvalidArtifact(f"Expected a model folder with {markers}. Received: {path.name}")
    served = " or ".join(suffix for runtime in known for suffix in runtime.suffixes)
    raise InvalidArtifact(f"Expected a model file that ends in {served}. Received: {path.name}")
