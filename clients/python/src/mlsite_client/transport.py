"""Send the requests of operations with httpx."""

from __future__ import annotations

import contextlib
import errno
import json
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx

from mlsite_client.inputs import clean_name
from mlsite_client.operations import Request

USER_AGENT = "mlsite-client/0.1.0"


def build_options(url: str, token: str) -> dict[str, Any]:
    """Return the arguments of the HTTP client.

    Raises:
        ValueError: the URL of the site is not valid, the token is empty or contains characters that no token has, such
            as a line break between two tokens, or the file in SSL_CERT_FILE does not exist.
    """
    token = token.strip()  # the line break at the end of a file
    if not token:
        raise ValueError("The token is empty. Create one on the page API tokens.")
    if not (token.isascii() and token.isprintable()):
        raise ValueError("The token contains characters that are not printable ASCII characters. Copy it again.")
    try:
        base_url = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ValueError(
            f"The URL of the site is not valid: {error}. Expected a URL such as https://example.org."
        ) from error
    certificates = os.environ.get("SSL_CERT_FILE")
    if certificates and not Path(certificates).is_file():
        raise ValueError(f"The file in SSL_CERT_FILE does not exist: {certificates}")  # httpx does not name it
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", "User-Agent": USER_AGENT}
    return {"base_url": base_url, "headers": headers, "follow_redirects": False}


@contextlib.contextmanager
def build_arguments(request: Request) -> Iterator[dict[str, Any]]:
    """Yield the arguments of `httpx.Client.build_request`. The file of an upload is open meanwhile."""
    arguments: dict[str, Any] = {"params": request.params, "headers": dict(request.headers)}
    if request.upload:
        with request.upload.open("rb") as file:
            yield arguments | {"data": request.data, "files": [("file", (clean_name(request.upload.name), file))]}
    elif request.files:
        yield arguments | {"data": request.data, "files": request.files}
    elif request.method == "POST":
        body = json.dumps(request.json if request.json is not None else {})  # ASCII, so that any text can be sent
        arguments["headers"]["Content-Type"] = "application/json"
        yield arguments | {"content": body.encode()}
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


def check_target(target: Path) -> None:
    """Check that a file can be written to a folder, before the server does the work.

    Raises:
        OSError: the target is a folder, or its folder does not exist or is read-only.
    """
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(target))
    if not target.parent.is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(target.parent))
    if not os.access(target.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target.parent))


@contextlib.contextmanager
def _open_target(target: Path) -> Iterator[Any]:
    """Open a temporary file that replaces the target at the end, so that an incomplete download leaves no file."""
    check_target(target)
    partial = target.with_name(f"{target.name}.part")
    try:
        with partial.open("wb") as file:
            yield file
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
