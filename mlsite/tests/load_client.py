"""Send unique inputs to a running site, and record in a journal what it acknowledges. Needs only the standard library.

    python -m mlsite.tests.load_client --url http://127.0.0.1:8000 --token T --journal journal.jsonl

`manage.py verify_store --journal journal.jsonl` compares the journal with the database and the files. The journal has one
JSON object per line, which is flushed: `invoke` before a request, then `ok` after the complete body of a 201, `fail` after a
rejection (4xx), or `info` if the outcome is unknown: a timeout, a reset, a 5xx, or a short body.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import ssl
import struct
import threading
import time
import uuid
import zlib
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from pathlib import Path
from typing import Any, TextIO
from urllib.parse import urlsplit

PATH = "/api/v1/predictions/"
IMAGE_SIDE_PIXELS = 16
ROW_FEATURES = {"sepal_length": 6.0, "sepal_width": 3.0, "petal_length": 4.0, "petal_width": 1.0}  # of the model `iris`
MAX_PAUSE_SECONDS = 0.5  # after a failed connection
CREATED, FIRST_REJECTED, FIRST_SERVER_ERROR = 201, 400, 500


@dataclass
class LoadResult:
    """What the clients received: events by type, problems by code, and the times of responses with 201 in seconds."""

    events: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Load:
    """What to send, and where.

    Args:
        kind: `image`, `row`, or `mixed`.
        user: the name of the user of the token. If it is empty, the user is not compared.
        image_model, row_model: model references. An empty one means the default model.
        features: the mean of each feature of a row.
        certificate: file with the certificate of the server. If it is empty, those of the system are trusted.
    """

    url: str
    token: str
    kind: str = "mixed"
    user: str = ""
    image_model: str = "digits"
    row_model: str = "iris"
    features: dict[str, float] = field(default_factory=lambda: dict(ROW_FEATURES))
    timeout: float = 30.0
    certificate: str = ""


class Journal:
    """A file of events that several threads append to."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()
        self.result = LoadResult()

    def write(self, **event: Any) -> None:
        """Append an event and flush it."""
        line = json.dumps(event) + "\n"
        with self._lock:
            self.result.events[event["type"]] += 1
            if event.get("code"):
                self.result.problems[event["code"]] += 1
            if event["type"] == "ok":
                self.result.seconds.append(event["ms"] / 1000)
            self._file.write(line)
            self._file.flush()

    def close(self) -> None:
        self._file.close()


def run_load(
    *,
    url: str,
    token: str,
    journal: Path,
    threads: int = 4,
    seconds: float = 10.0,
    stop: threading.Event | None = None,
    max_requests: int | None = None,
    **options: Any,
) -> LoadResult:
    """Send requests from several threads until the time is over, `stop` is set, or `max_requests` are sent.

    Args:
        options: further fields of `Load`.
    """
    load, log, stop = Load(url, token, **options), Journal(journal), stop or threading.Event()
    prefix, numbers, deadline = uuid.uuid4().hex[:12], count(), time.monotonic() + seconds

    def send_until_finished() -> None:
        client = _Client(load, log)
        while not stop.is_set() and time.monotonic() < deadline:
            number = next(numbers)
            if max_requests is not None and number >= max_requests:
                break
            if not client.send(f"{prefix}-{number}", number):
                stop.wait(random.uniform(0, MAX_PAUSE_SECONDS))
        client.close()

    clients = [threading.Thread(target=send_until_finished) for _ in range(threads)]
    with closing(log):
        for thread in clients:
            thread.start()
        for thread in clients:
            thread.join()
    return log.result


class _Client:
    """Sends one request after the other on one connection, which is opened again after an error."""

    def __init__(self, load: Load, journal: Journal) -> None:
        self.load, self.journal = load, journal
        address = urlsplit(load.url)
        self.connection = HTTPConnection(address.netloc, timeout=load.timeout)
        if address.scheme == "https":
            context = ssl.create_default_context(cafile=load.certificate or None)
            self.connection = HTTPSConnection(address.netloc, timeout=load.timeout, context=context)

    def close(self) -> None:
        self.connection.close()

    def send(self, reference: str, number: int) -> bool:
        """Send a request and record its outcome. Return False if there was no response."""
        is_image = self.load.kind == "image" or (self.load.kind == "mixed" and number % 2 == 0)
        build = build_image_request if is_image else build_row_request
        body, content_type, sha256 = build(self.load, reference)
        kind = "image" if is_image else "row"
        self.journal.write(type="invoke", reference=reference, sha256=sha256, kind=kind, at=time.time())
        headers = {"Authorization": f"Bearer {self.load.token}", "Content-Type": content_type}
        started, clock = time.time(), time.perf_counter()
        try:
            self.connection.request("POST", PATH, body, headers)
            response = self.connection.getresponse()
            content = json.loads(response.read())
        except (OSError, HTTPException, ValueError) as error:
            self.connection.close()
            self.journal.write(type="info", reference=reference, error=repr(error), at=time.time())
            return False
        times = {"started": started, "ended": time.time(), "ms": 1000 * (time.perf_counter() - clock)}
        if response.status == CREATED:
            # The hash of what was sent, not of what the server claims to have received.
            event = {**_read_prediction(content), "reference": reference, "sha256": sha256, "user": self.load.user}
            self.journal.write(**event, **times)
        else:
            is_rejected = FIRST_REJECTED <= response.status < FIRST_SERVER_ERROR
            event = {"type": "fail" if is_rejected else "info", "reference": reference, "status": response.status}
            self.journal.write(**event, code=content.get("code", ""), error=str(content)[:500], **times)
        return True


def _read_prediction(content: dict[str, Any]) -> dict[str, Any]:
    row = content["input"]
    return {
        "type": "ok",
        "prediction": content["id"],
        "input": row["id"],
        "label": content["label"] or "",
        "model_version": f"{content['model']}:{content['model_version']}",
    }


def build_image_request(load: Load, reference: str) -> tuple[bytes, str, str]:
    """Return the body, the content type, and the SHA-256 of the image of a request with a unique image."""
    image = make_png(reference)
    boundary = uuid.uuid4().hex
    fields = {"client_reference": reference, "model": load.image_model}
    parts = [f'name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items() if value]
    parts.append(b'name="image"; filename="noise.png"\r\nContent-Type: image/png\r\n\r\n' + image)
    head = f"--{boundary}\r\nContent-Disposition: form-data; ".encode()
    body = b"".join(head + part + b"\r\n" for part in parts) + f"--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}", hashlib.sha256(image).hexdigest()


def build_row_request(load: Load, reference: str) -> tuple[bytes, str, str]:
    """Return the body, the content type, and the SHA-256 of the row of a request with a unique row of features."""
    numbers = random.Random(reference)
    # Not an integer, so that Python writes the number as RFC 8785 does.
    row = {name: round(mean + numbers.uniform(0.001, 0.999), 12) for name, mean in load.features.items()}
    content = {"client_reference": reference, "features": row}
    if load.row_model:
        content["model"] = load.row_model
    canonical = json.dumps(row, sort_keys=True, separators=(",", ":"))
    return json.dumps(content).encode(), "application/json", hashlib.sha256(canonical.encode()).hexdigest()


def make_png(seed: str, *, side: int = IMAGE_SIDE_PIXELS) -> bytes:
    """Return a grayscale PNG of random noise that differs for every seed."""
    values = random.Random(seed)
    lines = b"".join(b"\0" + values.randbytes(side) for _ in range(side))
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description="Send unique inputs, and record what is acknowledged in a journal.")
    parser.add_argument("--url", required=True)
    parser.add_argument("--token", required=True)
    parser.add_argument("--journal", required=True, type=Path)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--kind", choices=["image", "row", "mixed"], default="mixed")
    parser.add_argument("--user", default="", help="the name of the user of the token, to compare with the stored one")
    parser.add_argument("--image-model", default="digits")
    parser.add_argument("--row-model", default="iris")
    result = run_load(**vars(parser.parse_args()))
    print(json.dumps({"events": result.events, "problems": result.problems}))


if __name__ == "__main__":
    main()
