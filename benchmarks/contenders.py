"""The contenders: which requests each one gets, and where it stores the predictions."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks import servers, wrk
from benchmarks.servers import PEER_BIN, PEERS, ROOT, Server

SITE_PATH = "/api/v1/predictions/"
PEER_PATH = "/predictions"
SITE_TABLE = "predictions_prediction WHERE status = 'succeeded'"
DIGITS = ROOT / "examples" / "digits"
IRIS_ROWS = ROOT / "examples" / "iris" / "samples.csv"
JSON_TYPE = "application/json"


@dataclass
class Contender:
    """A server, and one kind of request to it."""

    name: str
    workload: str  # "image" or "row"
    server: Server
    request_files: list[Path]
    ready_path: str
    path: str
    table: str = "predictions"  # with a condition, if needed

    @property
    def url(self) -> str:
        return self.server.url + self.path

    def wait_until_ready(self) -> None:
        self.server.wait_until(self.ready_path)

    def count_predictions(self) -> int:
        return servers.count_rows(self.server.database_url, self.table)


def build_site(cluster_url: str, folder: Path, site: Path, number: int = 0) -> list[Contender]:
    """Return mlsite with image requests, and the same server with row requests."""
    folder.mkdir()
    server, token = servers.create_site(folder, servers.create_database(cluster_url, f"mlsite_{number}"), site)
    url = server.url + SITE_PATH
    files = {
        "image": write_image_requests(folder, url, token),
        "row": write_row_requests(folder, url, token),
    }
    return [Contender("mlsite", kind, server, files[kind], "/readyz", SITE_PATH, SITE_TABLE) for kind in files]


def build_image_expert(cluster_url: str, folder: Path) -> Contender:
    folder.mkdir()
    database_url = servers.create_database(cluster_url, "image_expert", PEERS / "tables.sql")
    server = servers.create_uvicorn("image_expert", folder, database_url, DIGITS / "digits.keras")
    files = write_image_requests(folder, server.url + PEER_PATH)
    return Contender("expert FastAPI", "image", server, files, "/", PEER_PATH)


def build_row_flask(cluster_url: str, folder: Path) -> Contender:
    folder.mkdir()
    database_url = servers.create_database(cluster_url, "row_flask")
    server = servers.create_gunicorn("row_flask", folder, database_url, servers.pickle_iris(folder))
    server.run(str(PEER_BIN / "python"), "row_tables.py")
    files = write_row_requests(folder, server.url + PEER_PATH)
    return Contender("Flask + SQLAlchemy", "row", server, files, "/", PEER_PATH)


def write_image_requests(folder: Path, url: str, token: str = "") -> list[Path]:
    """Write one request for each sample of the digits example."""
    bodies = [wrk.build_form(path.read_bytes(), "digits") for path in sorted((DIGITS / "samples").glob("*.png"))]
    return _write(folder, "image", [wrk.build_request(url, *body, token) for body in bodies])


def write_row_requests(folder: Path, url: str, token: str = "") -> list[Path]:
    """Write one request for each sample of the iris example."""
    with IRIS_ROWS.open() as file:
        rows = [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]
    bodies = [json.dumps({"model": "iris", "features": row}).encode() for row in rows]
    return _write(folder, "row", [wrk.build_request(url, body, JSON_TYPE, token) for body in bodies])


def _write(folder: Path, kind: str, contents: list[bytes]) -> list[Path]:
    paths = [folder / f"{kind}-{position}.http" for position in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def check_example(contender: Contender) -> None:
    """Send the first request once, and check that the response is 201 with a label."""
    head, _, body = contender.request_files[0].read_bytes().partition(b"\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    response = requests.post(contender.url, data=body, headers=headers, timeout=60)
    if response.status_code != 201 or not response.json()["label"]:
        raise wrk.LoadError(f"{contender.name}: {response.status_code} {response.text[:500]}")
