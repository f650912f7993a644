"""The response to an inference request: JSON, followed by the binary data of the outputs that are binary."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import numpy as np
from django.http import HttpResponse, JsonResponse

from core.api.renderers import render_json
from core.errors import STATUS_BY_CODE
from predictions.api.v2.errors import build_error
from predictions.api.v2.outputs import OutputTensor
from predictions.api.v2.requests import HEADER_LENGTH
from predictions.api.v2.tensors import BYTES, DTYPES, LENGTH_BYTES
from predictions.models import Prediction

MAX_LISTED_FAILURES = 3


def build_response(
    predictions: Sequence[Prediction], outputs: Sequence[tuple[OutputTensor, bool]], *, request_id: str
) -> HttpResponse:
    """Return the tensors of succeeded predictions.

    Args:
        outputs: the outputs, and whether each one is binary data.
        request_id: repeated in the response, if there is one.
    """
    version = predictions[0].model_version
    tensors, binary = [], []
    for output, is_binary in outputs:
        tensor = output.build(predictions)
        if is_binary:
            data = encode_elements(output.datatype, tensor.pop("data"))
            tensor["parameters"] = {**tensor.get("parameters", {}), "binary_data_size": len(data)}
            binary.append(data)
        tensors.append(tensor)
    body: dict[str, Any] = {"model_name": version.model.name, "model_version": str(version.number)}
    if request_id:
        body["id"] = request_id
    header = render_json({**body, "outputs": tensors})
    if not binary:
        return HttpResponse(header, content_type="application/json")
    return HttpResponse(
        b"".join([header, *binary]),
        content_type="application/octet-stream",
        headers={HEADER_LENGTH: str(len(header))},
    )


def encode_elements(datatype: str, data: Sequence[Any]) -> bytes:
    """Return elements as binary data."""
    if datatype != BYTES:
        return np.array(data, DTYPES[datatype]).tobytes()
    elements = [text.encode() for text in data]
    return b"".join(len(element).to_bytes(LENGTH_BYTES, "little") + element for element in elements)


def build_failure(predictions: Sequence[Prediction]) -> JsonResponse:
    """Return the error of a request whose model failed for at least one row. All of its predictions are stored."""
    failed = [(row, item) for row, item in enumerate(predictions, 1) if item.status == Prediction.Status.FAILED]
    listed = [
        f"Row {row:,} of {len(predictions):,}: {item.error_message} Prediction {item.pk}."
        for row, item in failed[:MAX_LISTED_FAILURES]
    ]
    more = f" And {len(failed) - MAX_LISTED_FAILURES:,} more rows." if len(failed) > MAX_LISTED_FAILURES else ""
    message = (
        f"The model failed for {len(failed):,} of {len(predictions):,} rows. All rows are stored, with a failed prediction "
        f"for each of these. {' '.join(listed)}{more}"
    )
    status = STATUS_BY_CODE.get(failed[0][1].error_code, HTTPStatus.INTERNAL_SERVER_ERROR)
    return build_error(status=status, message=message, prediction_ids=[str(item.pk) for item in predictions])
