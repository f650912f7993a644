"""The runtime for Keras files, run by TensorFlow."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes.keras.conversion import convert_function
from inference.runtimes.keras.files import HDF5_SUFFIXES, detect_suffix, prepare_file
from inference.runtimes.keras.graph import clear_states, find_activation, get_input_names, get_output_names, trace_model
from inference.runtimes.keras.messages import explain_load_error
from inference.runtimes.keras.pixels import PixelScale, find_pixel_scale, get_image_keys
from inference.runtimes.keras.sizes import ResizingKeys, find_resizing
from inference.runtimes.keras.tables import find_features
from inference.runtimes.tensorflow import LOAD_ERRORS, import_tensorflow, make_input, make_output, to_array
from inference.tensors import RowByRow, make_batch_function, requires_single_rows, split_image_tensor
from inference.types import AnyArray, ArtifactMetadata, BatchFunction, Conversion

STATE_NOTICES = (
    "Each input begins with an empty state, although a layer has stateful=True. Send all steps of a sequence in one input.",
)


class KerasRuntime(BaseRuntime):
    """Load a `.keras` archive as data: in safe mode, not compiled, without Lambda layers and third-party classes.

    An HDF5 file can contain Python code in Lambda layers, so it is loaded only when it is trusted. A trusted archive can
    contain Lambda layers, and classes of modules that can be imported. The content of a file determines its format, not its
    name.

    The model is called as one concrete function that is traced when the model is loaded. `Model.predict()` builds a data
    pipeline on each call, which takes about 40 times as long as a small network itself. Most networks can also be converted
    to ONNX, which takes a fifth of the CPU time for small ones: see `conversion.py`.
    """

    suffixes = (".keras", *HDF5_SUFFIXES)
    data_suffixes = (".keras",)

    @classmethod
    def match_suffix(cls, path: Path) -> str:
        suffix = super().match_suffix(path)
        return detect_suffix(path, suffix) if suffix else ""

    def load(self) -> BatchFunction:
        with TemporaryDirectory() as folder:
            file = prepare_file(self.path, Path(folder), trusted=self.trusted)
            tf = import_tensorflow(self.threads)
            import keras

            self.version = file.version or keras.__version__
            self.has_code = file.has_code
            try:
                objects = file.custom_objects
                # Wrappers in HDF5 files, such as Bidirectional, receive only the objects of a scope.
                with keras.saving.custom_object_scope(objects) if objects else nullcontext():
                    model = keras.saving.load_model(
                        file.path, custom_objects=objects, compile=False, safe_mode=not self.trusted
                    )
                _check_inputs(model)
                call_model = self._trace(tf, keras.tree, model)
            except (*LOAD_ERRORS, tf.errors.OpError) as error:
                reason = explain_load_error(error, name=self.path.name, file_version=file.version, version=keras.__version__)
                raise InvalidArtifact(reason) from error
        run = make_batch_function(call_model, self.inputs, [tensor.name for tensor in self.outputs])
        return RowByRow(run) if any(self.single_rows) else run

    def _trace(self, tf: Any, tree: Any, model: Any) -> Any:
        """Return a function that runs a model, and set what `describe` needs."""
        self.model = model
        inputs = list(zip(get_input_names(tree, model), model.inputs, strict=True))
        outputs = list(zip(get_output_names(tree, model), model.outputs, strict=True))
        self.inputs = tuple(make_input(name, tensor.dtype, tensor.shape) for name, tensor in inputs)
        self.outputs = tuple(make_output(name, tensor.dtype, tensor.shape) for name, tensor in outputs)
        self.notices: tuple[str, ...] = STATE_NOTICES if clear_states(model) else ()
        self.function = function = trace_model(tf, tree, model)
        has_fixed_size = any(tensor.shape[:1].is_fully_defined() for tensor in function.outputs)
        self.single_rows = [has_fixed_size and requires_single_rows(name, tensor.shape[0]) for name, tensor in inputs]

        def call_model(arrays: list[AnyArray]) -> list[AnyArray]:
            return [to_array(tensor) for tensor in function(*(tf.constant(array) for array in arrays))]

        return call_model

    def convert(self) -> Conversion | None:
        """Return the network as an ONNX graph, unless it contains code of its author.

        Raises:
            ConversionRefused: the graph would accept inputs that TensorFlow rejects.
            Exception: of tf2onnx or TensorFlow, if the network contains an operation that ONNX does not have.
        """
        if self.has_code or any(tensor.dtype == "str" for tensor in (*self.inputs, *self.outputs)):
            return None
        data = convert_function(self.function, self.inputs, self.outputs, single_rows=any(self.single_rows))
        return Conversion("converted", ".onnx", data)

    def describe(self) -> ArtifactMetadata:
        model, notices = self.model, self.notices
        pixels, resizing = self._find_pixels(model)
        if pixels and any(len(tensor.shape) > 1 for tensor in self.inputs):
            bits = f" with bits = {pixels.bits}" if pixels.bits else ""
            notices += (f"scale: {pixels.scale}{bits}, because the network begins with {pixels.layer}.",)
        if resizing.notice:
            notices += (resizing.notice,)
        return ArtifactMetadata(
            self.inputs,
            self.outputs,
            features=find_features(model, self.inputs),
            image={**(get_image_keys(pixels) if pixels else {}), **resizing.keys},
            notices=notices,
            activation=find_activation(model),
            framework="keras",
            framework_version=self.version,
        )

    def _find_pixels(self, model: Any) -> tuple[PixelScale | None, ResizingKeys]:
        """Return how the only input, or the only one that can be an image, takes pixels, and how it resizes them."""
        parts = split_image_tensor(self.inputs)
        image = self.inputs[0] if len(self.inputs) == 1 else parts[0] if parts else None
        if image is None or image.dtype in ("str", "bool"):
            return None, ResizingKeys({})
        tensor = model.inputs[self.inputs.index(image)] if parts else None
        pixels = find_pixel_scale(model, tensor)
        return pixels, find_resizing(model, tensor, scale=pixels.scale if pixels else "")


def _check_inputs(model: Any) -> None:
    """Check that the network has inputs of known shape, which a subclass of `keras.Model` does not have."""
    if not getattr(model, "inputs", None):
        raise InvalidArtifact(
            f"Keras cannot determine the inputs of this network, a {type(model).__name__}: it is not built, or it is a "
            "custom class. Call it once on data, export it with model.export(folder), and register that folder (--trusted)."
        )
