"""The runtimes, one module per artifact format. A module is imported only when it is needed."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from inference.base import BaseRuntime
from inference.errors import InferenceError, InvalidArtifact
from inference.runtimes.unsupported import OWN_RUNTIME_STEP, find_step
from inference.types import BatchFunction

RUNTIMES = {
    "keras": "inference.runtimes.keras.KerasRuntime",
    "tensorflow": "inference.runtimes.tensorflow.SavedModelRuntime",
    "onnx": "inference.runtimes.onnx.OnnxRuntime",
    "sklearn": "inference.runtimes.sklearn.SklearnRuntime",
    "mlflow": "inference.runtimes.mlflow.MlflowRuntime",
    "pipeline": "inference.runtimes.pipeline.PipelineRuntime",
    "xgboost": "inference.runtimes.xgboost.XgboostRuntime",
    "lightgbm": "inference.runtimes.lightgbm.LightgbmRuntime",
    "catboost": "inference.runtimes.catboost.CatboostRuntime",
    "converted": "inference.runtimes.converted.ConvertedRuntime",
    "dummy": "inference.runtimes.dummy.DummyRuntime",
}
INTERNAL_RUNTIMES = ("converted", "dummy", "pipeline")  # for tests, and for files and folders that registration makes


def create_runtime(name: str, path: Path, *, threads: int = 0, trusted: bool = False) -> BaseRuntime:
    """Return the runtime for an artifact without loading it.

    Raises:
        InvalidArtifact: there is no such runtime, or loading can run the author's code and the artifact is not trusted.
    """
    if name not in RUNTIMES and not trusted:
        raise InvalidArtifact(
            f"Expected one of the runtimes {', '.join(RUNTIMES)}. Received: {name!r}. Importing another runtime runs its "
            "code. If you trust it, register the model with --trusted."
        )
    runtime = get_runtime(name)
    if not (trusted or runtime.loads_as_data(path)):
        raise InvalidArtifact(
            f"{path.name} has a format ({runtime.match_suffix(path) or 'unknown'}) that can run its author's code when it "
            "is loaded. If you trust its source, register it with --trusted. "
            ".keras, .onnx, .skops, .ubj, and .cbm files are loaded as data."
        )
    return runtime(path, threads=threads, trusted=trusted)


def load_artifact(name: str, path: Path, *, threads: int = 0, trusted: bool = False) -> tuple[BaseRuntime, BatchFunction]:
    """Load an artifact. Return its runtime and the function that runs a batch.

    Raises:
        InvalidArtifact: the runtime or the code in the artifact raised an exception.
    """
    if path.is_file() and not path.stat().st_size:
        raise InvalidArtifact(f"{path.name} is empty. Copy the file again, or save the model again.")
    runtime = create_runtime(name, path, threads=threads, trusted=trusted)
    try:
        return runtime, runtime.load()
    except InferenceError:
        raise
    # Pickles, model folders, and third-party runtimes contain code, which can raise any exception.
    except Exception as error:
        raise InvalidArtifact(f"{path.name} cannot be loaded: {type(error).__name__}: {error}") from error


def get_runtime(name: str) -> type[BaseRuntime]:
    """Return a runtime class by its short name, or a third-party class by its dotted path. Importing runs its code.

    Raises:
        InvalidArtifact: there is no such runtime.
    """
    module, _, attribute = RUNTIMES.get(name, name).rpartition(".")
    try:
        runtime = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(RUNTIMES)
        raise InvalidArtifact(f"Expected a runtime ({known}) or the dotted path of a class. Received: {name!r}") from error
    if not (isinstance(runtime, type) and issubclass(runtime, BaseRuntime)):
        raise InvalidArtifact(f"Expected a subclass of BaseRuntime. Received: {name!r}")
    return runtime


def detect_runtime(path: Path) -> str:
    """Return the name of the runtime for a file, by its suffix, or for a folder, by its marker file.

    Raises:
        InvalidArtifact: no runtime matches.
    """
    for name in RUNTIMES:
        if get_runtime(name).match_suffix(path):
            return name
    if step := find_step(path):
        raise InvalidArtifact(f"{path.name} is not supported. {step}.")
    known = [get_runtime(name) for name in RUNTIMES if name not in INTERNAL_RUNTIMES]
    if path.is_dir():
        markers = " or ".join(runtime.marker for runtime in known if runtime.marker)
        raise InvalidArtifact(
            f"Expected a model folder with {markers}. Received: {path.name}. For other formats, {OWN_RUNTIME_STEP}."
        )
    suffixes = " or ".join(dict.fromkeys(suffix for runtime in known for suffix in runtime.suffixes))
    raise InvalidArtifact(
        f"Expected a model file that ends in {suffixes}. Received: {path.name}. For other formats, {OWN_RUNTIME_STEP}."
    )
