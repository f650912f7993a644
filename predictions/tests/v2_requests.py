"""Builders of V2 requests for tests."""

from __future__ import annotations

import base64
import json
from typing import Any

import numpy as np

ROW = {"length": 4.5, "petals": 5, "colour": "white", "wild": True}
DATATYPES = {"length": "FP64", "petals": "INT64", "colour": "BYTES", "wild": "BOOL"}


def make_input(name: str, datatype: str, data: Any, shape: list[int] | None = None, **members: Any) -> dict[str, Any]:
    return {"name": name, "datatype": datatype, "shape": [len(data)] if shape is None else shape, "data": data, **members}


def make_row_inputs(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Return one input for each feature of flowers."""
    return [make_input(name, datatype, [row[name] for row in rows]) for name, datatype in DATATYPES.items()]


def make_image_input(*images: bytes, **members: Any) -> dict[str, Any]:
    return make_input("image", "BYTES", [base64.b64encode(image).decode() for image in images], **members)


def infer(client, name, inputs, **members):
    """Send inputs as JSON. Return the response."""
    body = {"inputs": inputs, **members}
    return client.post(f"/v2/models/{name}/infer", json.dumps(body), content_type="application/json")


def join_elements(*elements: bytes) -> bytes:
    """Return BYTES elements as binary data."""
    return b"".join(len(element).to_bytes(4, "little") + element for element in elements)


def infer_binary(client, name, tensors, *, header_length=None, **members):
    """Send tensors, as (name, datatype, shape, binary data), after the JSON. Return the response."""
    inputs = [
        {"name": tensor, "datatype": datatype, "shape": shape, "parameters": {"binary_data_size": len(data)}}
        for tensor, datatype, shape, data in tensors
    ]
    header = json.dumps({"inputs": inputs, **members}).encode()
    body = header + b"".join(data for *_, data in tensors)
    length = str(len(header)) if header_length is None else header_length
    headers = {"inference-header-content-length": length}
    return client.post(f"/v2/models/{name}/infer", body, content_type="application/octet-stream", headers=headers)


def get_outputs(response) -> dict[str, Any]:
    """Return the data of the outputs of a JSON response by name."""
    assert response.status_code == 200, response.content
    return {output["name"]: output["data"] for output in response.json()["outputs"]}


def get_error(response, status: int) -> str:
    """Check that a response is an error of the protocol, and return its message."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert isinstance(body["error"], str)
    assert "Traceback" not in body["error"]
    assert body["error"]
    assert "detail" not in body
    return body["error"]


def read_binary_outputs(response) -> dict[str, np.ndarray | list[bytes]]:
    """Return the outputs of a binary response by name."""
    size = int(response["Inference-Header-Content-Length"])
    header, data = json.loads(response.content[:size]), response.content[size:]
    outputs: dict[str, Any] = {}
    for output in header["outputs"]:
        length = output["parameters"]["binary_data_size"]
        part, data = data[:length], data[length:]
        outputs[output["name"]] = (part, output["datatype"], output["shape"])
    assert data == b""
    return outputs
