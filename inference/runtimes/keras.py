"""Keras models in the `.keras` format and the older HDF5 one, run by TensorFlow."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.tensorflow import UNLOADABLE, import_tensorflow, input_of, output_of, to_array
from inference.tensors import one_by_one, runner, takes_one
from inference.types import AnyArray, ArtifactFacts, Run

HDF5 = (".h5", ".hdf5")
JSON_MEMBERS = ("metadata.json", "config.json")
MEMBERS = {*JSON_MEMBERS, "model.weights.h5"}
MAX_UNPACKED = 4 * 2**30  # bytes
MIN_UNPACKED = 64 * 2**20  # bytes
MAX_RATIO = 20  # unpacked to packed
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
    data = (".keras",)

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
            model = keras.saving.load_model(self.path, compile=False, safe_mode=is_archive or not self.trusted)
            inputs = list(zip(_input_names(keras.tree, model), model.inputs, strict=True))
            outputs = list(zip(_output_names(keras.tree, model), model.outputs, strict=True))
            self.inputs = tuple(input_of(name, one.dtype, one.shape) for name, one in inputs)
            self.outputs = tuple(output_of(name, one.dtype, one.shape) for name, one in outputs)
            alone = [takes_one(name, one.shape[0]) for name, one in inputs]
            traced = _trace(tf, keras.tree, model)
        except (*UNLOADABLE, tf.errors.OpError) as error:
            raise InvalidArtifact(f"Keras {keras.__version__} cannot load {self.path.name}: {error}") from error

        def ask(arrays: list[AnyArray]) -> list[AnyArray]:
            return [to_array(tensor) for tensor in traced(*(tf.constant(array) for array in arrays))]

        run = runner(ask, self.inputs, [tensor.name for tensor in self.outputs])
        return one_by_one(run) if any(alone) else run

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
    packed = sum(member.compress_size for member in archive.infolist())
    if unpacked > max(MIN_UNPACKED, MAX_RATIO * packed):
        raise InvalidArtifact(
            f"Expected weights, which hardly compress. These unpack from {packed:,} to {unpacked:,} bytes."
        )
    if unpacked > MAX_UNPACKED:
        raise InvalidArtifact(f"Expected an archive of at most {MAX_UNPACKED:,} bytes unpacked. Received: {unpacked:,}")


def _structures(model: Any) -> tuple[Any, Any]:
    """Return how the model packs its inputs and outputs; a Sequential model has one of each, and does not say."""
    return (model.input, model.output) if hasattr(model, "output_names") else (model.inputs[0], model.outputs[0])


def _input_names(tree: Any, model: Any) -> list[str]:
    """Return the keys of a dictionary, or the tensors' own names, in the order of `model.inputs`."""
    return _unique(_names(tree, _structures(model)[0], [one.name for one in model.inputs]))


def _output_names(tree: Any, model: Any) -> list[str]:
    """Return the keys of a dictionary, or the names of the layers, in the order of `model.outputs`."""
    layers = model.output_names if hasattr(model, "output_names") else [model.layers[-1].name]
    return _unique(_names(tree, _structures(model)[1], layers))


def _names(tree: Any, structure: Any, own: Sequence[str]) -> list[str]:
    paths = [path for path, _ in tree.flatten_with_path(structure)]
    keyed = any(isinstance(part, str) for path in paths for part in path)
    return [".".join(map(str, path)) for path in paths] if keyed else list(own)


def _unique(names: Sequence[str]) -> list[str]:
    """Return the names, numbered where one comes again: a layer that is called twice gives two outputs."""
    return [name if names.index(name) == number else f"{name}_{number}" for number, name in enumerate(names)]


def _trace(tf: Any, tree: Any, model: Any) -> Callable[..., Any]:
    """Return the model inside one traced graph, its inputs packed as the model wants them, its outputs flat."""
    packed = _structures(model)[0]
    function = tf.function(
        lambda *tensors: tree.flatten(model(tree.pack_sequence_as(packed, list(tensors)), training=False)),
        input_signature=[tf.TensorSpec(one.shape, one.dtype) for one in model.inputs],
    )
    function.get_concrete_function()
    traced: Callable[..., Any] = function
    return traced
