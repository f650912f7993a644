"""Networks that registration has converted to ONNX, run by onnxruntime under the tensor names of the original."""

from __future__ import annotations

import json
from typing import Any

from inference.errors import InvalidArtifact
from inference.runtimes.onnx import OnnxRuntime
from inference.tensors import RowByRow, make_batch_function
from inference.types import AnyArray, BatchFunction, Tensor

METADATA_KEY = "mlsite"


class ConvertedRuntime(OnnxRuntime):
    """Load an ONNX file that contains the metadata of `make_metadata`.

    Names of tensors in ONNX are unique. Those of a Keras network need not be: an input can have the name of an output. The
    metadata therefore contains the original tensors, each under its name in the graph.
    """

    def load(self) -> BatchFunction:
        session = self._open_session()
        try:
            metadata = json.loads(session.get_modelmeta().custom_metadata_map[METADATA_KEY])
            inputs, outputs = (
                {name: Tensor(part["name"], part["dtype"], tuple(part["shape"])) for name, part in metadata[side].items()}
                for side in ("inputs", "outputs")
            )
        except (KeyError, ValueError, TypeError) as error:
            raise InvalidArtifact(f"{self.path.name} is not a file that registration has converted.") from error
        self.inputs, self.outputs = tuple(inputs.values()), tuple(outputs.values())
        used = {info.name for info in session.get_inputs()}  # an input without effect is not part of the graph

        def call_session(arrays: list[AnyArray]) -> list[AnyArray]:
            feed = {name: array for name, array in zip(inputs, arrays, strict=True) if name in used}
            result: list[AnyArray] = session.run(list(outputs), feed)
            return result

        run = make_batch_function(call_session, self.inputs, [tensor.name for tensor in self.outputs])
        return RowByRow(run) if metadata.get("single_rows") else run


def make_metadata(*, inputs: dict[str, Tensor], outputs: dict[str, Tensor], single_rows: bool) -> str:
    """Return the metadata of a converted file.

    Args:
        inputs, outputs: the original tensors by their names in the graph, in the order of the original.
        single_rows: the graph takes one row per call.
    """
    sides: dict[str, Any] = {
        side: {name: {"name": tensor.name, "dtype": tensor.dtype, "shape": tensor.shape} for name, tensor in tensors.items()}
        for side, tensors in (("inputs", inputs), ("outputs", outputs))
    }
    return json.dumps({**sides, "single_rows": single_rows})
