"""Keras 3 models in the `.keras` format, run by TensorFlow."""

from __future__ import annotations

import json
import logging
import os
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.types import Array, ArtifactFacts, Run

logger = logging.getLogger(__name__)

JSON_MEMBERS = ("metadata.json", "config.json")
MEMBERS = {*JSON_MEMBERS, "model.weights.h5"}
MAX_UNPACKED = 4 * 2**30  # bytes
MAX_JSON = 16 * 2**20  # bytes
MAX_MEMBERS = 1000
# What Keras and h5py raise on a file that lies.
UNLOADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError, OSError, RuntimeError, MemoryError)
# Layers whose work is code of the file's author. Keras refuses some of them in safe mode; we refuse them all by name.
CODE_LAYERS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}


class KerasRuntime(BaseRuntime):
    """Load a `.keras` archive as data: no Lambda, no class from outside Keras, safe mode, nothing compiled.

    The model is called inside one `tf.function` traced at load. `Model.predict()` builds a data pipeline on each call,
    which for a small network takes some forty times as long as the network.
    """

    suffixes = (".keras",)

    def load(self) -> Run:
        config, metadata = self._read_archive()
        # What a model was trained with (its loss, its metrics) is not loaded: compile=False.
        check_classes({name: part for name, part in config.items() if name != "compile_config"})
        self.version = str(metadata.get("keras_version", ""))

        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
        import keras
        import tensorflow as tf

        _set_threads(tf, self.threads)
        try:
            model = keras.saving.load_model(self.path, compile=False, safe_mode=True)
            self.model_shape, self.output_shape = model.input_shape, model.output_shape
            if not all(isinstance(shape, tuple) for shape in (self.model_shape, self.output_shape)):
                raise ValueError("a model with one input and one output is expected")
            return _trace(tf, model, self.model_shape)
        except (*UNLOADABLE, tf.errors.OpError) as error:
            raise InvalidArtifact(f"Keras {keras.__version__} cannot load {self.path.name}: {error}") from error

    def describe(self) -> ArtifactFacts:
        return ArtifactFacts(self.model_shape[1:], self.output_shape[-1], "keras", self.version)

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


def _set_threads(tf: Any, threads: int) -> None:
    """Set TensorFlow's thread counts. They are the process's: the first model that is loaded decides."""
    if not threads:
        return
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        logger.debug("TensorFlow runs already; its thread counts stay as they are")


def _trace(tf: Any, model: Any, shape: tuple[int | None, ...]) -> Run:
    spec = tf.TensorSpec((None, *shape[1:]), tf.float32)
    function = tf.function(lambda batch: model(batch, training=False), input_signature=[spec])
    function.get_concrete_function()

    def run(batch: Array) -> Array:
        return np.asarray(function(tf.constant(batch)), np.float32)

    return run
