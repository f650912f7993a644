"""Images as the usual clients send them to a running site, and hostile bodies."""

import base64
import gzip
import json
import shutil
import socket
import subprocess
import time
from contextlib import suppress

import httpx
import pytest
import requests
from playwright.sync_api import Error

from core.tests.requirements import require
from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES

pytestmark = [pytest.mark.site, pytest.mark.once, pytest.mark.xdist_group("site")]
SEVEN = SAMPLES / "seven.png"
PNG = "Content-Type: image/png"


@pytest.fixture(scope="module")
def token(site):
    return site.create_token()


@pytest.mark.parametrize(
    "arguments",
    [
        ["--data-binary", f"@{SEVEN}", "-H", PNG],
        ["-F", f"file=@{SEVEN}"],
        ["-X", "POST", "-T", "-", "-H", PNG],
        ["-X", "POST", "-T", "-", "-H", PNG, "-H", "Content-Encoding: gzip"],
        ["-F", f"image=@{SEVEN}", "-H", "Transfer-Encoding: chunked"],
        ["-F", f"image=@{SEVEN}", "-H", "Expect: 100-continue"],
    ],
    ids=["raw", "file", "chunked", "gzip", "chunked form", "expect"],
)
@pytest.mark.parametrize("path", [PREDICTIONS_PATH, PREDICTIONS_PATH.rstrip("/")])
def test_curl(site, token, arguments, path):
    data = SEVEN.read_bytes()
    body = gzip.compress(data) if "gzip" in arguments[-1] else data
    command = ["curl", "-sS", "-H", f"Authorization: Bearer {token}", *arguments, site.url + path]
    created = json.loads(subprocess.run(command, input=body, capture_output=True, check=True).stdout)
    assert (created["label"], created["input"]["content_type"]) == ("7", "image/png")


def test_curl_without_a_type_gets_help(site, token):
    command = ["curl", "-sS", "-H", f"Authorization: Bearer {token}", "--data-binary", f"@{SEVEN}"]
    problem = json.loads(subprocess.run([*command, site.url + PREDICTIONS_PATH], capture_output=True, check=True).stdout)
    assert (problem["status"], problem["code"]) == (415, "unsupported-media-type")
    assert "Content-Type: image/png" in problem["detail"]


@pytest.mark.parametrize("library", [requests, httpx], ids=["requests", "httpx"])
def test_python_libraries_can_send_each_kind_of_body(site, token, library):
    url, headers = site.url + PREDICTIONS_PATH, {"Authorization": f"Bearer {token}"}
    data = SEVEN.read_bytes()
    streamed = {"content" if library is httpx else "data": iter([data[:100], data[100:]])}
    responses = [
        library.post(url, headers=headers, files={"file": data}),
        library.post(url, headers=headers, json={"image": base64.b64encode(data).decode()}),
        library.post(url, headers={**headers, "Content-Type": "image/png"}, params={"model": "digits"}, **streamed),
    ]
    assert [response.json()["label"] for response in responses] == ["7"] * 3


NODE = """
import { readFile } from "node:fs/promises";
const [url, token, path] = process.argv.slice(1);
const data = await readFile(path);
const form = new FormData();
form.append("file", new Blob([data], { type: "image/png" }), "seven.png");
const stream = new Blob([data]).stream();
const json = { "Content-Type": "application/json" };
const png = { "Content-Type": "image/png" };
for (const options of [
  { body: form },
  { headers: json, body: JSON.stringify({ image: `data:image/png;base64,${data.toString("base64")}` }) },
  { headers: json, body: JSON.stringify({ image: data.toString("base64url") }) },
  { headers: png, body: data },
  { headers: png, body: stream, duplex: "half" },
]) {
  const headers = { Authorization: `Bearer ${token}`, ...options.headers };
  const response = await fetch(url, { method: "POST", ...options, headers });
  console.log(response.status, (await response.json()).label);
}
"""


FETCH = """
async ([url, token, image]) => {
  const headers = {
    Authorization: `Bearer ${token}`, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID(),
    Prefer: "wait=5",
  };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ image }) });
  const body = await response.json();
  return [response.status, body.label ?? null, response.headers.get("Location") === body.url && body.url !== undefined];
}
"""


def test_node_can_send_each_kind_of_body(site, token):
    require("node", shutil.which("node"))
    command = ["node", "--input-type=module", "--eval", NODE, site.url + PREDICTIONS_PATH, token, str(SEVEN)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "201 7\n" * 5


def send_chunks(site, token, chunks):
    """Send a chunked request on a connection of its own, and return the response once the server closes the connection."""
    head = (
        f"POST {PREDICTIONS_PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    received = b""
    with socket.create_connection(("127.0.0.1", site.port), timeout=20) as connection, suppress(ConnectionError):
        connection.sendall(head.encode())
        with suppress(ConnectionError):
            for chunk in chunks:
                connection.sendall(chunk)
        while part := connection.recv(65536):
            received += part
    return received


@pytest.mark.parametrize(
    ("chunks", "status", "code"),
    [
        ([b"100000\r\n" + b" " * 2**20 + b"\r\n"] * 40, 413, b"request-too-large"),
        ([b"1\r\n \r\n" * 2**17] * 8, 400, b"small chunks"),
        ([b"zz\r\n{}\r\n0\r\n\r\n"], 400, b"malformed-request"),
        ([b"2\r\n{}0\r\n\r\n"], 400, b"malformed-request"),
        ([b"-2\r\n{}\r\n0\r\n\r\n"], 400, b"malformed-request"),
        ([b"2\r\n{}\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"], 400, b"malformed-request"),
    ],
    ids=["large", "small", "size", "terminator", "sign", "trailer"],
)
def test_hostile_chunks_get_a_problem_and_the_connection_closes(site, token, chunks, status, code):
    started = time.monotonic()
    response = send_chunks(site, token, chunks)
    assert time.monotonic() - started < 8
    if response:  # the response is lost if the client still sends when the server closes the connection
        assert response.startswith(b"HTTP/1.1 %d " % status)
        assert code in response


def test_a_page_of_a_listed_origin_can_use_the_api(site, token, browser, other_origin):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{other_origin}/")
    image = base64.b64encode(SEVEN.read_bytes()).decode()
    arguments = [site.url + PREDICTIONS_PATH, token, image]
    assert page.evaluate(FETCH, arguments) == [201, "7", True]
    assert page.evaluate(FETCH, [arguments[0].rstrip("/"), token, image]) == [201, "7", True]
    assert page.evaluate(FETCH, [arguments[0], "mls_unknown", image]) == [401, None, False]
    page.goto(f"{other_origin.replace('localhost', '127.0.0.1')}/")  # another origin, which is not listed
    with pytest.raises(Error, match="Failed to fetch"):
        page.evaluate(FETCH, arguments)
    context.close()
