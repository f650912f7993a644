"""Read chunked and compressed request bodies. Both are limited in size before any view runs."""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from time import thread_time

from django.conf import settings
from django.http import HttpRequest, UnreadablePostError
from django.urls import Resolver404, resolve
from gunicorn.http.errors import ParseException

from mlsite import errors
from predictions.api.v2.errors import is_v2_request

BATCH_JOB_PATH = "/batch-jobs/"  # part of all routes that accept large files; other paths are not resolved twice
MEMORY_HEADERS = ("HTTP_TRANSFER_ENCODING", "HTTP_CONTENT_ENCODING")  # of bodies that are read into memory
BATCH_PATH = "/api/v1/predictions/batch"  # accepts larger bodies
CHUNK_READ_BYTES = 2**16
MAX_CHUNK_SECONDS = 1  # of CPU time. 15 MB take 0.05 s in chunks of 1 KB, and 33 s in chunks of one byte
# zlib's window sizes, which also select the format: 31 is gzip (RFC 1952), 15 is zlib (RFC 1950), called deflate in HTTP.
WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
ACCEPTED_ENCODINGS = "gzip, deflate"
MULTIPART_TYPE = "multipart/form-data"
FORM_TYPES = (MULTIPART_TYPE, "application/x-www-form-urlencoded")
BOUNDARY = re.compile(r"[ -~]{0,200}[!-~]")  # as Django's parser accepts it
CHARSETS = ("utf-8", "utf8", "us-ascii", "ascii")


class BodyError(Exception):
    """A body that is not processed. The code and the detail are those of the response."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


class BodyTooLarge(BodyError):
    """A body with more bytes than the limit."""

    def __init__(self) -> None:
        super().__init__("request-too-large", "The request is too large.")


def get_body_limit(request: HttpRequest) -> int:
    """Return the maximum size of a body in bytes, by its media type.

    JSON of the API can contain an image. `StrictJSONParser` limits the rest of it.
    """
    is_form = request.content_type == MULTIPART_TYPE
    if accepts_large_files(request):
        return settings.MAX_BATCH_FILE_BYTES + settings.FORM_OVERHEAD_BYTES
    if is_v2_request(request):
        return settings.MAX_BATCH_BYTES
    if request.path_info.rstrip("/") == BATCH_PATH:
        return settings.MAX_BATCH_BYTES + settings.FORM_OVERHEAD_BYTES
    if not errors.is_api_request(request):
        return settings.MAX_FORM_BYTES + settings.FORM_OVERHEAD_BYTES if is_form else settings.MAX_JSON_BYTES
    if request.content_type == "application/json":
        return settings.MAX_IMAGE_JSON_BYTES
    return settings.MAX_UPLOAD_BYTES + settings.FORM_OVERHEAD_BYTES


def accepts_large_files(request: HttpRequest) -> bool:
    """Return whether the files of a form are written to disk while they are received.

    Chunked and compressed bodies are read into memory, so their files must not be larger than those of other forms.
    """
    if request.method != "POST" or BATCH_JOB_PATH not in request.path_info + "/":
        return False
    if request.content_type != MULTIPART_TYPE or any(name in request.META for name in MEMORY_HEADERS):
        return False
    try:
        match = resolve(request.path_info.rstrip("/") + "/")
    except Resolver404:
        return False
    return match.view_name in settings.LARGE_UPLOAD_ROUTES


def check_charset(request: HttpRequest) -> None:
    """Reject a form in another charset than UTF-8. JSON is always UTF-8 (RFC 8259), whatever the Content-Type declares.

    Raises:
        BodyError: `unsupported-charset`.
    """
    name = (request.content_params or {}).get("charset", "")
    if name and request.content_type in FORM_TYPES and name.lower() not in CHARSETS:
        raise BodyError("unsupported-charset", f"The charset {name[:50]!r} is not supported. Send the form as UTF-8.")


def check_boundary(request: HttpRequest) -> None:
    """Reject a form with parts whose Content-Type does not declare what separates them.

    Raises:
        BodyError: `malformed-request`.
    """
    boundary = (request.content_params or {}).get("boundary", "")
    if request.content_type == MULTIPART_TYPE and not BOUNDARY.fullmatch(boundary):
        raise BodyError(
            "malformed-request",
            "The header Content-Type: multipart/form-data has no valid boundary. Do not set this header yourself: "
            "HTTP libraries add it with the boundary.",
        )


def read_chunked_body(request: HttpRequest, limit_bytes: int) -> None:
    """Read a body with chunked transfer encoding, and replace it by one with a Content-Length.

    Only for servers that decode the chunks (`wsgi.input_terminated`), such as gunicorn, and only for the API and V2.

    Raises:
        BodyError: `length-required`, `request-too-large`, or `malformed-request`.
    """
    if not (errors.is_program_request(request) and request.META.get("wsgi.input_terminated")):
        raise BodyError(
            "length-required",
            "Chunked transfer encoding is not supported here. Send a Content-Length header. Most clients send it if they "
            "get the body as bytes, a string, or a file instead of a stream.",
        )
    stream, body = request.META["wsgi.input"], bytearray()
    started = thread_time()
    try:
        while part := stream.read(CHUNK_READ_BYTES):
            body += part
            if len(body) > limit_bytes:
                raise BodyTooLarge
            if thread_time() - started > MAX_CHUNK_SECONDS:
                raise BodyError("malformed-request", "The body has too many small chunks. Send larger ones.")
    except (OSError, ParseException) as error:
        raise BodyError("malformed-request", "The chunked body is malformed or incomplete. Send it again.") from error
    del request.META["HTTP_TRANSFER_ENCODING"]
    _replace_body(request, bytes(body))


def decompress_body(request: HttpRequest, encoding: str, limit_bytes: int) -> None:
    """Decompress a body with a Content-Encoding, and replace it. No more than the limit is decompressed.

    Raises:
        BodyError: `unsupported-content-encoding`, `request-too-large`, or `malformed-request`.
    """
    name = encoding.strip().lower()
    if name == "identity":
        return
    if not errors.is_program_request(request):
        detail = "Pages do not accept compressed forms. Send the form without Content-Encoding, or use the API."
        raise BodyError("unsupported-content-encoding", detail)
    if name not in WINDOW_BITS:
        raise BodyError(
            "unsupported-content-encoding",
            f"The Content-Encoding {name[:50]!r} is not supported. Use gzip or deflate, or send the body as it is.",
        )
    try:
        compressed = request.read()
    except UnreadablePostError as error:
        detail = "The connection closed before the whole request was received."
        raise BodyError("malformed-request", detail) from error
    decompressor = zlib.decompressobj(WINDOW_BITS[name])
    try:
        body = decompressor.decompress(compressed, limit_bytes + 1)
    except zlib.error as error:
        raise BodyError("malformed-request", f"The body is not valid {name} data. Send it again.") from error
    if len(body) > limit_bytes:
        raise BodyTooLarge
    if not decompressor.eof or decompressor.unused_data:
        problem = "has data after its end" if decompressor.eof else "is incomplete"
        raise BodyError("malformed-request", f"The {name} data of the body {problem}. Send it again as one stream.")
    del request.META["HTTP_CONTENT_ENCODING"]
    _replace_body(request, body)


def _replace_body(request: HttpRequest, body: bytes) -> None:
    """Make views and parsers read this body."""
    request.META["CONTENT_LENGTH"] = str(len(body))
    request._stream = BytesIO(body)
    request._read_started = False  # type: ignore[attr-defined]


def release_body(request: HttpRequest) -> None:
    """Drop a body that was chunked or compressed. The request would hold it until the next full garbage collection."""
    if isinstance(request.__dict__.get("_stream"), BytesIO):
        request._stream = BytesIO()
