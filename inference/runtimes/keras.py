"""Keras models in the `.keras` and the older HDF5 format, run by TensorFlow."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from inference.archives import check_compression
from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.tensorflow import LOAD_ERRORS, import_tensorflow, make_input, make_output, to_array
from inference.tensors import make_batch_function, make_row_by_row, requires_single_rows
from inference.types import AnyArray, ArtifactMetadata, BatchFunction

HDF5_SUFFIXES = (".h5", ".hdf5")
JSON_MEMBERS = ("metadata.json", "config.json")
REQUIRED_MEMBERS = {*JSON_MEMBERS, "model.weights.h5"}
MAX_UNPACKED_BYTES = 4 * 2**30
MAX_JSON_BYTES = 16 * 2**20
MAX_MEMBERS = 1000
# Layers that run code of the file's author. Keras rejects some of them in safe mode; all of them are rejected here.
CODE_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


class KerasRuntime(BaseRuntime):
    """Load a `.keras` archive as data: in safe mode, not compiled, without Lambda layers and third-party classes.

    An `.h5` file in the older format can contain Python code in Lambda layers, so it is loaded only when it is trusted.

    The model is called inside one `tf.function` that is traced when the model is loaded. `Model.predict()` builds a data
    pipeline on each call, which takes about 40 times as long as a small network itself.
    """

    suffixes = (".keras", *HDF5_SUFFIXES)
    data_suffixes = (".keras",)

    def load(self) -> BatchFunction:
        is_archive = self.path.suffix.lower() == ".keras"
        if is_archive:
            config, metadata = self._read_archive()
            # The training configuration (loss, metrics) is not loaded: compile=False.
            check_classes({name: part for name, part in config.items() if name != "compile_config"})
        tf = import_tensorflow(self.threads)
        import keras

        self.version = str(metadata.get("keras_version", "")) if is_archive else keras.__version__
        try:
            model = keras.saving.load_model(self.path, compile=False, safe_mode=is_archive or not self.trusted)
            inputs = list(zip(_get_input_names(keras.tree, model), model.inputs, strict=True))
            outputs = list(zip(_get_output_names(keras.tree, model), model.outputs, strict=True))
            self.inputs = tuple(make_input(name, tensor.dtype, tensor.shape) for name, tensor in inputs)
            self.outputs = tuple(make_output(name, tensor.dtype, tensor.shape) for name, tensor in outputs)
            single_rows = [requires_single_rows(name, tensor.shape[0]) for name, tensor in inputs]
            traced = _trace_model(tf, keras.tree, model)
        except (*LOAD_ERRORS, tf.errors.OpError) as error:
            raise InvalidArtifact(f"Keras {keras.__version__} cannot load {self.path.name}: {error}") from error

        def call_model(arrays: list[AnyArray]) -> list[AnyArray]:
            return [to_array(tensor) for tensor in traced(*(tf.constant(array) for array in arrays))]

        run = make_batch_function(call_model, self.inputs, [tensor.name for tensor in self.outputs])
        return make_row_by_row(run) if any(single_rows) else run

    def describe(self) -> ArtifactMetadata:
        return ArtifactMetadata(self.inputs, self.outputs, framework="keras", framework_version=self.version)

    def _read_archive(self) -> tuple[Any, dict[str, Any]]:
        try:
            with zipfile.ZipFile(self.path) as archive:
                check_compression(archive, name=self.path.name, size=self.path.stat().st_size)
                _check_members(archive)
                config, metadata = (json.loads(archive.read(name)) for name in ("config.json", "metadata.json"))
                if not (isinstance(config, dict) and isinstance(metadata, dict)):
                    raise ValueError("config.json or metadata.json is not an object")
                return config, metadata
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, RuntimeError, EOFError, OSError) as error:
            raise InvalidArtifact(f"Expected a .keras archive with config.json and metadata.json: {error}") from error


def check_classes(config: Any) -> None:
    """Check that the configuration of a model refers only to Keras's own classes.

    Raises:
        InvalidArtifact: it refers to another class, which the message names.
    """
    for module, name in _list_classes(config):
        if name in CODE_LAYERS or not (module is None or f"{module}.".startswith("keras.")):
            raise InvalidArtifact(
                f"The model must consist of Keras's own layers. {module or 'custom'}.{name} would run code from the file. "
                "Rebuild the model from standard layers."
            )


def _list_classes(config: Any) -> Iterator[tuple[str | None, str]]:
    """Yield the module and name of every class in the configuration."""
    pending = [config]
    while pending:
        part = pending.pop()
        if isinstance(part, dict):
            if "class_name" in part:
                registered = part.get("registered_name")
                is_custom = part.get("module") is None and registered and ">" in registered
                yield ("custom" if is_custom else part.get("module")), str(part["class_name"])
            pending.extend(part.values())
        elif isinstance(part, list):
            pending.extend(part)


def _check_members(archive: zipfile.ZipFile) -> None:
    for member in archive.infolist():
        safe_asset = member.filename.startswith("assets/") and ".." not in member.filename
        if member.filename not in REQUIRED_MEMBERS and not safe_asset:
            raise InvalidArtifact(
                f"Expected only {sorted(REQUIRED_MEMBERS)} and assets/ in the archive. Received: {member.filename!r}"
            )
    if len(archive.infolist()) > MAX_MEMBERS:
        raise InvalidArtifact(f"The archive must have at most {MAX_MEMBERS} members. Received: {len(archive.infolist())}")
    if any(archive.getinfo(name).file_size > MAX_JSON_BYTES for name in JSON_MEMBERS):
        raise InvalidArtifact(f"config.json and metadata.json must have at most {MAX_JSON_BYTES:,} bytes each.")
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > MAX_UNPACKED_BYTES:
        raise InvalidArtifact(f"The archive must unpack to at most {MAX_UNPACKED_BYTES:,} bytes. Received: {unpacked:,}")


def _get_structures(model: Any) -> tuple[Any, Any]:
    """Return the nested structures of inputs and outputs. A Sequential model has one of each."""
    return (model.input, model.output) if hasattr(model, "output_names") else (model.inputs[0], model.outputs[0])


def _get_input_names(tree: Any, model: Any) -> list[str]:
    """Return the dictionary keys or tensor names, in the order of `model.inputs`."""
    return _make_unique(_get_names(tree, _get_structures(model)[0], [tensor.name for tensor in model.inputs]))


def _get_output_names(tree: Any, model: Any) -> list[str]:
    """Return the dictionary keys or layer names, in the order of `model.outputs`."""
    layers = model.output_names if hasattr(model, "output_names") else [model.layers[-1].name]
    return _make_unique(_get_names(tree, _get_structures(model)[1], layers))


def _get_names(tree: Any, structure: Any, defaults: Sequence[str]) -> list[str]:
    paths = [path for path, _ in tree.flatten_with_path(structure)]
    has_keys = any(isinstance(part, str) for path in paths for part in path)
    return [".".join(map(str, path)) for path in paths] if has_keys else list(defaults)


def _make_unique(names: Sequence[str]) -> list[str]:
    """Return the names with a number appended to duplicates. A layer that is called twice has two outputs."""
    return [name if names.index(name) == index else f"{name}_{index}" for index, name in enumerate(names)]


def _trace_model(tf: Any, tree: Any, model: Any) -> Callable[..., Any]:
    """Return the model as one traced graph that takes and returns flat lists of tensors."""
    structure = _get_structures(model)[0]
    function = tf.function(
        lambda *tensors: tree.flatten(model(tree.pack_sequence_as(structure, list(tensors)), training=False)),
        input_signature=[tf.TensorSpec(tensor.shape, tensor.dtype) for tensor in model.inputs],
    )
    function.get_concrete_function()
    traced: Callable[..., Any] = function
    return traced
