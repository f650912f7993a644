"""The contenders: mlsite, and the programs in peers/. Each runs two processes of eight threads, if it uses threads."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import requests

from benchmarks import payloads
from benchmarks.artifacts import MLFLOW_NAME, ONNX_NAME, PICKLE_NAME
from benchmarks.databases import count_rows, create_database
from benchmarks.payloads import ROOT, Bodies, write_requests
from benchmarks.servers import PROCESSES, THREADS, Server, create_site
from benchmarks.wrk import CONNECTIONS, LoadError
from mlsite.tests.postgres import find_free_port

PEERS_FOLDER = ROOT / "benchmarks" / "peers"
PEER_PYTHON = str(ROOT / ".venv-bench" / "bin" / "python")
WORKLOADS = {"image": payloads.list_images, "row": payloads.list_rows}
SITE_PATH = "/api/v1/predictions/"
SITE_TABLE = "predictions_prediction WHERE status = 'succeeded'"
DIGITS = ROOT / "examples" / "digits" / "digits.keras"
DIGITS_ONNX = Path(ONNX_NAME)
IRIS_PICKLE = Path(PICKLE_NAME)
IRIS_MLFLOW = Path(MLFLOW_NAME)

FAST_UVICORN = ["--workers", str(PROCESSES), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
UVICORN = ["--workers", str(PROCESSES)]
GUNICORN = ["--worker-class", "gthread", "--workers", str(PROCESSES), "--threads", str(THREADS)]


@dataclass(frozen=True)
class Peer:
    """A program in peers/, or a server of another project.

    Args:
        workload: a key of `WORKLOADS`.
        command: arguments of Python; `{port}` is replaced.
        model: a path that is relative to the folder of the saved models, or absolute.
        tables: an SQL file, or a program that creates the tables; without it, the program stores nothing.
        list_bodies: the requests, if they are not those of the workload.
    """

    key: str
    title: str
    workload: str
    command: tuple[str, ...]
    model: Path
    tables: str = ""
    path: str = "/predictions"
    environment: tuple[tuple[str, str], ...] = ()
    list_bodies: Callable[[], Bodies] | None = None


IMAGE_EXPERT = Peer(
    key="image-expert",
    title="FastAPI by an expert",
    workload="image",
    command=("-m", "uvicorn", "image_expert:app", "--port", "{port}", *FAST_UVICORN),
    model=DIGITS,
    tables="image_tables.sql",
)
IMAGE_EXPERT_STATEMENT = replace(
    IMAGE_EXPERT,
    key="image-expert-statement",
    title="FastAPI by an expert, 1 insert",
    environment=(("ONE_STATEMENT", "1"),),
)
PEERS = (
    IMAGE_EXPERT,
    IMAGE_EXPERT_STATEMENT,
    replace(IMAGE_EXPERT_STATEMENT, key="image-expert-onnx", title="FastAPI by an expert, ONNX", model=DIGITS_ONNX),
    Peer(
        key="image-tutorial",
        title="FastAPI as in tutorials",
        workload="image",
        command=("-m", "uvicorn", "image_tutorial:app", "--port", "{port}", *UVICORN),
        model=DIGITS,
        tables="image_tables.py",
    ),
    Peer(
        key="image-litserve",
        title="LitServe, stores nothing",
        workload="image",
        command=("image_litserve.py",),
        model=DIGITS,
        path="/predict",
    ),
    Peer(
        key="row-expert",
        title="FastAPI by an expert",
        workload="row",
        command=("-m", "uvicorn", "row_expert:app", "--port", "{port}", *FAST_UVICORN),
        model=IRIS_PICKLE,
        tables="row_tables.sql",
    ),
    Peer(
        key="row-flask",
        title="Flask + SQLAlchemy",
        workload="row",
        command=("-m", "gunicorn", "row_flask:app", "--bind", "127.0.0.1:{port}", *GUNICORN),
        model=IRIS_PICKLE,
        tables="row_tables.py",
    ),
    Peer(
        key="row-mlflow",
        title="FastAPI + MLflow model",
        workload="row",
        command=("-m", "uvicorn", "row_mlflow:app", "--port", "{port}", *FAST_UVICORN),
        model=IRIS_MLFLOW,
        tables="row_tables.py",
    ),
    # The command that `mlflow models serve` runs.
    Peer(
        key="row-mlflow-server",
        title="MLflow server, stores nothing",
        workload="row",
        command=("-m", "uvicorn", "mlflow.pyfunc.scoring_server.app:app", "--port", "{port}", *UVICORN),
        model=IRIS_MLFLOW,
        path="/invocations",
        list_bodies=payloads.list_mlflow_rows,
    ),
)


@dataclass
class Contender:
    """A server, and one kind of request to it.

    Args:
        workload: a key of `WORKLOADS`.
        table: where it stores predictions, with a condition if needed; empty if it stores nothing.
        items: the number of inputs of each request.
        connections: the number of clients that send requests at the same time.
    """

    key: str
    title: str
    workload: str
    server: Server
    request_files: list[Path]
    url: str
    table: str
    is_warm: bool = False
    items: int = 1
    connections: int = CONNECTIONS

    def count_predictions(self) -> int:
        return count_rows(self.server.database_url, self.table)

    def check_example(self) -> None:
        """Send the first request once, and check the status: 201 if a single prediction is stored."""
        head, _, body = self.request_files[0].read_bytes().partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        response = requests.post(self.url, data=body, headers=headers, timeout=60)
        if response.status_code != (201 if self.table and self.items == 1 else 200):
            raise LoadError(f"{self.title}: {response.status_code} {response.text[:500]}")


def build_peer(peer: Peer, folder: Path, cluster_url: str, models: Path) -> Contender:
    """Create the tables and the requests of a peer. `models` is the folder of benchmarks.artifacts."""
    folder.mkdir()
    is_script = peer.tables.endswith(".py")
    sql = PEERS_FOLDER / peer.tables if peer.tables and not is_script else None
    port = find_free_port()
    server = Server(
        command=[PEER_PYTHON, *(part.replace("{port}", str(port)) for part in peer.command)],
        folder=folder,
        database_url=create_database(cluster_url, peer.key, sql),
        environment={
            "FILES_DIR": str(folder / "files"),
            "MODEL_PATH": str(models / peer.model),
            "__pyfunc_model_path__": str(models / peer.model),  # read by MLflow's server
            **dict(peer.environment),
        },
        working_folder=PEERS_FOLDER,
        port=port,
    )
    if is_script:
        server.run(PEER_PYTHON, peer.tables)
    url = server.url + peer.path
    files = write_requests(folder, url, peer.list_bodies or WORKLOADS[peer.workload])
    return Contender(peer.key, peer.title, peer.workload, server, files, url, "predictions" if peer.tables else "")


def build_site(
    key: str, checkout: Path, folder: Path, cluster_url: str, *, application: str = "", title: str = ""
) -> list[Contender]:
    """Set up mlsite from a checkout. Return it with image requests, and the same server with row requests.

    Args:
        application: WSGI application, as gunicorn expects it; that of mlsite by default.
        title: defaults to the key.
    """
    folder.mkdir()
    own_python = checkout / ".venv" / "bin" / "python"
    python = str(own_python if own_python.exists() else sys.executable)
    server, token = create_site(python, checkout, folder, create_database(cluster_url, key))
    if application:
        server.command.append(application)
    url = server.url + SITE_PATH
    return [
        Contender(key, title or key, workload, server, write_requests(folder, url, list_bodies, token), url, SITE_TABLE)
        for workload, list_bodies in WORKLOADS.items()
    ]
