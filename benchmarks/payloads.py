"""The requests that wrk sends: the samples of examples/digits and examples/iris."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[1]
DIGIT_SAMPLES = ROOT / "examples" / "digits" / "samples"
IRIS_SAMPLES = ROOT / "examples" / "iris" / "samples.csv"
BOUNDARY = "benchmark-boundary"
BATCH_IMAGES, BATCH_ROWS = 64, 1000  # inputs per batch request
JSON_TYPE = "application/json"

Bodies = list[tuple[bytes, str]]  # the bodies with their content types


def list_images() -> Bodies:
    """Return one multipart form for each sample of the digits example."""
    return [build_form(path.read_bytes(), "digits") for path in sorted(DIGIT_SAMPLES.glob("*.png"))]


def list_rows() -> Bodies:
    """Return one JSON object for each sample of the iris example."""
    return [(json.dumps({"model": "iris", "features": row}).encode(), JSON_TYPE) for row in read_rows()]


def list_mlflow_rows() -> Bodies:
    """Return the same rows in the format of MLflow's server."""
    return [(json.dumps({"dataframe_records": [row]}).encode(), JSON_TYPE) for row in read_rows()]


def read_rows() -> list[dict[str, float]]:
    with IRIS_SAMPLES.open() as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def list_image_batches() -> Bodies:
    """Return one multipart form with 64 samples of the digits example."""
    images = [path.read_bytes() for path in sorted(DIGIT_SAMPLES.glob("*.png"))]
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\ndigits\r\n'.encode()
    part = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="digit.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    ).encode()
    parts = [part + images[number % len(images)] + b"\r\n" for number in range(BATCH_IMAGES)]
    body = head + b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return [(body, f"multipart/form-data; boundary={BOUNDARY}")]


def list_row_batches() -> Bodies:
    """Return one JSON object with 1,000 rows: the samples of the iris example, repeated."""
    rows = read_rows()
    features = [rows[number % len(rows)] for number in range(BATCH_ROWS)]
    return [(json.dumps({"model": "iris", "features": features}).encode(), JSON_TYPE)]


def build_form(image: bytes, model: str) -> tuple[bytes, str]:
    """Return a multipart form with an image and the name of a model, and its content type."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="model"\r\n\r\n{model}\r\n'
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="image"; filename="digit.png"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    return head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode(), f"multipart/form-data; boundary={BOUNDARY}"


def build_request(url: str, body: bytes, content_type: str, token: str = "") -> bytes:
    """Return a complete HTTP request. Without a token, it has no Authorization header."""
    parts = urlsplit(url)
    lines = [f"POST {parts.path} HTTP/1.1", f"Host: {parts.netloc}", f"Content-Type: {content_type}"]
    lines += [f"Authorization: Bearer {token}"] if token else []
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def write_requests(folder: Path, url: str, list_bodies: Callable[[], Bodies], token: str = "") -> list[Path]:
    """Write one file for each request. Return their paths."""
    paths = []
    for number, (body, content_type) in enumerate(list_bodies()):
        path = folder / f"{list_bodies.__name__}-{number}.http"
        path.write_bytes(build_request(url, body, content_type, token))
        paths.append(path)
    return paths
