"""Keras models in the `.keras` format and the older HDF5 one, run by TensorFlow."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.tensorflow import UNLOADABLE, import_tensorflow, tensor_of, unwrap
from inference.tensors import to_tensors
from inference.types import ArtifactFacts, Batch, Output, Run, Tensor

HDF5 = (".h5", ".hdf5")
JSON_MEMBERS = ("metadata.json", "config.json")
MEMBERS = {*JSON_MEMBERS, "model.weights.h5"}
MAX_UNPACKED = 4 * 2**30  # bytes
MAX_JSON = 16 * 2**20  # bytes
MAX_MEMBERS = 1000
# Layers whose work is code of the file's author. Keras refuses some of them in safe mode; we refuse them all by name.
CODE_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


class KerasRuntime(BaseRuntime):
    """Load a `.keras` archive as data: no Lambda, no class from outside Keras, safe mode, nothing compiled.

    An `.h5` file of the older format may hold Lambda layers, Python code, and is loaded when it is trusted.

    The model is called inside one `tf.function` traced at load. `Model.predict()` builds a data pipeline on each call,
    which for a small network takes some forty times as long as the network.
    """

    suffixes = (".keras", *HDF5)
    executing = HDF5

    def load(self) -> Run:
        is_archive = self.path.suffix.lower() == ".keras"
        if is_archive:
            config, metadata = self._read_archive()
            # What a model was trained with (its loss, its metrics) is not loaded: compile=False.
            check_classes({name: part for name, part in config.items() if name != "compile_config"})
        tf = import_tensorflow(self.threads)
        import keras

        self.version = str(metadata.get("keras_version", "")) if is_archive else keras.__version__
        try:
            model = keras.saving.load_model(self.path, compile=False, safe_mode=is_archive)
            self.inputs = tuple(tensor_of(one.name, one.dtype, one.shape) for one in model.inputs)
            self.outputs = tuple(
                tensor_of(name, one.dtype, one.shape) for name, one in zip(_output_names(model), model.outputs, strict=True)
            )
            return _trace(tf, keras.tree, model, self.inputs, [tensor.name for tensor in self.outputs])
        except (*UNLOADABLE, tf.errors.OpError) as error:
            raise InvalidArtifact(f"Keras {keras.__version__} cannot load {self.path.name}: {error}") from error

    def describe(self) -> ArtifactFacts:
        return ArtifactFacts(self.inputs, self.outputs, framework="keras", framework_version=self.version)

    def _read_archive(self) -> tuple[Any, dict[str, Any]]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                _check_members(archive)
                config, metadata = (json.loads(archive.read(name)) for name in ("config.json", "metadata.json"))
                if not (isinstance(config, dict) and isinstance(metadata, dict)):
                    raise ValueError("config.json or metadata.json is no object")
                return config, metadata
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, EOFError, OSError) as error:
            raise InvalidArtifact(f"Expected a .keras archive with a config and metadata: {error}") from error


def check_classes(config: Any) -> None:
    """Refuse a model whose configuration names code that is not Keras's own.

    Raises:
        InvalidArtifact: naming the class.
    """
    for module, name in _named_classes(config):
        if name in CODE_LAYERS or not (module is None or f"{module}.".startswith("keras.")):
            raise InvalidArtifact(
                f"Expected a model made of Keras's own layers; {module or 'custom'}.{name} would run code that comes "
                "with the file. Rebuild the model from standard layers."
            )


def _named_classes(config: Any) -> Iterator[tuple[str | None, str]]:
    """Yield module and name of every object that the configuration would create."""
    pending = [config]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                registered = part.get("registered_name")
                foreign = part.get("module") is None and registered and ">" in registered
                yield ("custom" if foreign else part.get("module")), str(part["class_name"])
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def _check_members(archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        safe_asset = member.filename.startswith("assets/") and ".." not in member.filename
        if member.filename not in MEMBERS and not safe_asset:
            raise InvalidArtifact(
                f"Expected only {sorted(MEMBERS)} and assets/ in the archive. Received: {member.filename!r}"
            )
    if len(archive.infolist()) > MAX_MEMBERS:
        raise InvalidArtifact(f"Expected an archive of at most {MAX_MEMBERS} members. Received: {len(archive.infolist())}")
    if any(archive.getinfo(name).file_size > MAX_JSON for name in JSON_MEMBERS):
        raise InvalidArtifact(f"Expected a config and metadata of at most {MAX_JSON:,} bytes each.")
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED:
        raise InvalidArtifact(f"Expected an archive of at most {MAX_UNPACKED:,} bytes unpacked. Received: {unpacked:,}")


def _output_names(model: Any) -> list[str]:
    """Return the names of the outputs in the order of `model.outputs`: the keys of a dictionary, or the layers."""
    if not hasattr(model, "output_names"):  # a Sequential model, with one output
        return [model.layers[-1].name]
    return sorted(model.output) if isinstance(model.output, dict) else list(model.output_names)


def _trace(tf: Any, tree: Any, model: Any, inputs: Sequence[Tensor], outputs: Sequence[str]) -> Run:
    """Return a function that calls the model inside one traced graph, its inputs packed as the model wants them."""
    specs = [tf.TensorSpec((None, *one.shape), tf.string if one.dtype == "str" else one.dtype) for one in inputs]
    packed = model.input if hasattr(model, "output_names") else model.inputs[0]
    function = tf.function(
        lambda *tensors: tree.flatten(model(tree.pack_sequence_as(packed, list(tensors)), training=False)),
        input_signature=specs,
    )
    function.get_concrete_function()

    def run(batch: Batch) -> Output:
        found = function(*(tf.constant(array) for array in to_tensors(batch, inputs)))
        return unwrap(dict(zip(outputs, (tensor.numpy() for tensor in found), strict=True)))

    return run
