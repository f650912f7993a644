"""Upload handler: require complete multipart bodies and hold them in memory. `predictions.services.inputs` checks files."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

INCOMPLETE_MESSAGE = "The multipart body is incomplete: the closing boundary is missing. Send it again."
NAMELESS_MESSAGE = "No part of the multipart body has a name. Send each part with a Content-Disposition header and a name."
EMPTY_BODY_BYTES = 8  # of a form without parts: two line breaks and four hyphens around the boundary
MAX_EPILOGUE_BYTES = 1024  # allowed after the closing boundary (RFC 2046, section 5.1.1)


class WholeBodyUploadHandler(MemoryFileUploadHandler):
    """Reject a multipart body without its closing boundary, which Django's parser accepts as complete.

    The body is held in memory, never in a temporary file. `RequestSizeMiddleware` has already limited its size.
    """

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],  # noqa: N803  the name that Django passes
        content_length: int,
        boundary: Any,  # bytes, although django-stubs declare str
        encoding: str | None = None,
    ) -> tuple[Any, Any]:
        body = input_data.read(content_length)
        closing = b"--" + boundary + b"--"
        if closing not in body[-len(closing) - MAX_EPILOGUE_BYTES :]:
            raise MultiPartParserError(INCOMPLETE_MESSAGE)
        try:
            form = MultiPartParser(META, BytesIO(body), [MemoryFileUploadHandler(self.request)], encoding).parse()
        except UnicodeError as error:
            raise MultiPartParserError(f"The multipart body is not valid {encoding} text. Send UTF-8.") from error
        reject_nameless_parts(form, len(body), boundary, body[-MAX_EPILOGUE_BYTES:])
        return form


def reject_nameless_parts(form: tuple[Any, Any], length: int, boundary: bytes, tail: bytes) -> None:
    """Reject a body with content but without a part that has a name. Django's parser ignores such parts.

    Args:
        length: of the body in bytes.
        tail: the last bytes of the body. A file that the user did not choose is no field either, but has a name.

    Raises:
        MultiPartParserError: the form is empty, but the body is longer than that of an empty form.
    """
    is_empty = not any(form) and b"content-disposition" not in tail.lower()
    if is_empty and length > len(boundary) + EMPTY_BODY_BYTES:
        raise MultiPartParserError(NAMELESS_MESSAGE)
