"""The outputs of a model as tensors: the description of the signature, and the tensors of stored predictions."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from inference.errors import InvalidInput
from inference.messages import format_names
from inference.signature import AnyOutput, LabelsOutput, RawOutput, ValueOutput
from predictions.api.v2.requests import InferenceRequest
from predictions.api.v2.tensors import BYTES, TEXT_PARAMETERS
from predictions.models import Prediction
from registry.models import ModelVersion

PREDICTION_ID = "prediction_id"
JSON_PARAMETERS = {"content_type": "json"}


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """One output of a model.

    Args:
        width: number of elements per row; None for one element without a second dimension.
        read: returns the element, or the list of elements, of one prediction.
    """

    name: str
    datatype: str
    read: Callable[[Prediction], Any]
    width: int | None = None
    parameters: dict[str, Any] | None = None

    def describe(self) -> dict[str, Any]:
        """Return the metadata of the output."""
        return self._build(-1)

    def build(self, predictions: Sequence[Prediction]) -> dict[str, Any]:
        """Return the tensor with the data of all predictions, without nesting."""
        rows = [self.read(prediction) for prediction in predictions]
        data = rows if self.width is None else [value for row in rows for value in row]
        return {**self._build(len(rows)), "data": data}

    def _build(self, count: int) -> dict[str, Any]:
        shape = [count] if self.width is None else [count, self.width]
        tensor: dict[str, Any] = {"name": self.name, "datatype": self.datatype, "shape": shape}
        return {**tensor, "parameters": dict(self.parameters)} if self.parameters else tensor


def list_outputs(version: ModelVersion) -> list[OutputTensor]:
    """Return the outputs of a version, in the order of a response."""
    output = version.parsed_signature.output
    identifier = OutputTensor(PREDICTION_ID, BYTES, lambda prediction: str(prediction.pk), parameters=TEXT_PARAMETERS)
    return [*_list_label_outputs(output, version.labels), *_list_other_outputs(output), identifier]


def _list_label_outputs(output: AnyOutput, labels: Sequence[str]) -> list[OutputTensor]:
    # The values of parameters are strings, numbers, or booleans, so the list is a string of JSON.
    names = {"labels": json.dumps(list(labels), ensure_ascii=False)}
    outputs = []
    if isinstance(output, LabelsOutput):
        outputs.append(
            OutputTensor("labels", "BOOL", lambda prediction: _mark_labels(prediction, labels), len(labels), names)
        )
    elif output.has_labels:
        outputs.append(OutputTensor("label", BYTES, lambda prediction: prediction.label, parameters=TEXT_PARAMETERS))
    if output.has_scores:
        if not isinstance(output, LabelsOutput):
            outputs.append(OutputTensor("confidence", "FP64", lambda prediction: prediction.confidence))
        outputs.append(
            OutputTensor("scores", "FP64", lambda prediction: _list_scores(prediction, labels), len(labels), names)
        )
    return outputs


def _list_other_outputs(output: AnyOutput) -> list[OutputTensor]:
    if isinstance(output, ValueOutput):
        unit = {"unit": output.unit} if output.unit else None
        return [OutputTensor("value", "FP64", lambda prediction: prediction.value, parameters=unit)]
    if isinstance(output, RawOutput):
        return [OutputTensor("raw", BYTES, _encode_raw, parameters=JSON_PARAMETERS)]
    return []


def _mark_labels(prediction: Prediction, labels: Sequence[str]) -> list[bool]:
    predicted = set(prediction.predicted_labels or ())
    return [label in predicted for label in labels]


def _list_scores(prediction: Prediction, labels: Sequence[str]) -> list[float]:
    scores = (prediction.output or {})["scores"]
    return [scores[label] for label in labels]


def _encode_raw(prediction: Prediction) -> str:
    return json.dumps((prediction.output or {})["raw"], ensure_ascii=False)


def select_outputs(version: ModelVersion, request: InferenceRequest) -> list[tuple[OutputTensor, bool]]:
    """Return the outputs of the response to a request, and whether each one is binary data.

    Raises:
        InvalidInput: the model has no output of a requested name.
    """
    outputs = {output.name: output for output in list_outputs(version)}
    if request.outputs is None:
        return [(output, request.is_binary) for output in outputs.values()]
    for item in request.outputs:
        if item.name not in outputs:
            raise InvalidInput(
                f"The model has no output {item.name!r:.100}. The outputs are {format_names(list(outputs))}.",
                code="unknown-output",
            )
    return [(outputs[item.name], item.is_binary) for item in request.outputs]
