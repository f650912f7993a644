"""Upload handler: require complete multipart bodies and hold them in memory. `predictions.services.inputs` checks files."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

INCOMPLETE_MESSAGE = "The multipart body is incomplete: the closing boundary is missing. Send it again."
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
            return MultiPartParser(META, BytesIO(body), [MemoryFileUploadHandler(self.request)], encoding).parse()
        except UnicodeError as error:
            raise MultiPartParserError(f"The multipart body is not valid {encoding} text. Send UTF-8.") from error
