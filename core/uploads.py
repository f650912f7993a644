"""Parse a multipart body only when all of it is there."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from inference.preprocessing import ImageLimits

EPILOGUE = 1024  # bytes that may stand behind the closing boundary (RFC 2046, 5.1.1)


class WholeBodyUploadHandler(MemoryFileUploadHandler):
    """Refuse a multipart body without its closing boundary, which Django's parser takes for a whole one.

    The body is held in memory, never in a temporary file; `RequestSizeMiddleware` has bounded it by then.
    """

    def handle_raw_input(
        self,
        input_data: Any,
        META: dict[str, Any],  # noqa: N803  the name that Django passes
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> tuple[Any, Any]:
        body = input_data.read(content_length)
        closing = b"--" + boundary + b"--"
        if closing not in body[-len(closing) - EPILOGUE :]:
            raise MultiPartParserError("The multipart body ends before its closing boundary. Send the whole request.")
        try:
            return MultiPartParser(META, BytesIO(body), [MemoryFileUploadHandler(self.request)], encoding).parse()
        except UnicodeError as error:
            raise MultiPartParserError(f"The multipart body is not text in {encoding}. Send UTF-8.") from error


def get_image_limits() -> ImageLimits:
    """Return the configured limits of an uploaded image."""
    return ImageLimits(max_bytes=settings.MAX_UPLOAD_BYTES, max_pixels=settings.MAX_IMAGE_PIXELS)
