"""Send the requests of operations with httpx."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx

from mlsite_client.operations import Request

USER_AGENT = "mlsite-client/0.1.0"


def build_headers(token: str) -> dict[str, str]:
    """Return the headers of all requests.

    Raises:
        ValueError: the token contains characters that no token has, such as a line break between two tokens.
    """
    token = token.strip()  # the line break at the end of a file
    if not (token.isascii() and token.isprintable()):
        raise ValueError("The token contains characters that are not printable ASCII characters. Copy it again.")
    return {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": USER_AGENT}


@contextlib.contextmanager
def build_arguments(request: Request) -> Iterator[dict[str, Any]]:
    """Yield the arguments of `httpx.Client.build_request`. The file of an upload is open meanwhile."""
    arguments: dict[str, Any] = {"params": request.params, "headers": dict(request.headers)}
    if request.upload:
        with request.upload.open("rb") as file:
            yield arguments | {"data": request.data, "files": [("file", (request.upload.name, file))]}
    elif request.files:
        yield arguments | {"data": request.data, "files": request.files}
    elif request.method == "POST":
        yield arguments | {"json": request.json if request.json is not None else {}}
    else:
        yield arguments


def send(http: httpx.Client, request: Request) -> httpx.Response:
    """Send one request and read the response, or write it to a file if it is successful."""
    with build_arguments(request) as arguments:
        message = http.build_request(request.method, request.path, **arguments)
        response = http.send(message, stream=True)
        try:
            if request.download and response.is_success:
                with _open_target(request.download) as file:
                    for chunk in response.iter_bytes():
                        file.write(chunk)
            else:
                response.read()
        finally:
            response.close()
    return response


async def send_async(http: httpx.AsyncClient, request: Request) -> httpx.Response:
    """Do what `send` does, without blocking the event loop while waiting for the network."""
    with build_arguments(request) as arguments:
        message = http.build_request(request.method, request.path, **arguments)
        response = await http.send(message, stream=True)
        try:
            if request.download and response.is_success:
                with _open_target(request.download) as file:
                    async for chunk in _iterate(response):
                        file.write(chunk)
            else:
                await response.aread()
        finally:
            await response.aclose()
    return response


async def _iterate(response: httpx.Response) -> AsyncIterator[bytes]:
    async for chunk in response.aiter_bytes():
        yield chunk


@contextlib.contextmanager
def _open_target(target: Path) -> Iterator[Any]:
    """Open a temporary file that replaces the target at the end, so that an incomplete download leaves no file."""
    partial = target.with_name(f"{target.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
