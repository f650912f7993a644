"""Upload handler: require complete multipart bodies and hold them in memory. `predictions.services.inputs` checks files."""

from __future__ import annotations

from io import BytesIO
from typing import IO, Any

from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

INCOMPLETE_MESSAGE = "The multipart body is incomplete: the closing boundary is missing. Send it again."
UNREADABLE_MESSAGE = (
    "At least one part of the multipart body cannot be read. Each part needs a name, and each file a file name, in a "
    "Content-Disposition header in UTF-8. The boundary must not occur inside a part."
)
NOT_UTF8_MESSAGE = (
    "A text or a name in the multipart body is not valid UTF-8. Encode the form as UTF-8. If the part is a file, add its "
    'file name to the Content-Disposition header of the part, such as filename="image.png".'
)
LONG_HEADERS_MESSAGE = (
    "The headers of a part of the multipart body are longer than 1,024 bytes. Shorten the name of the file or the field."
)
REPLACEMENT = "\ufffd"  # which Django's parser puts in place of invalid bytes
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
        except MultiPartParserError as error:
            if "header size" in str(error):
                raise MultiPartParserError(LONG_HEADERS_MESSAGE) from error
            raise
        check_form(form, delimiters=body.count(b"--" + boundary), replacements=body.count(REPLACEMENT.encode()))
        return form


def check_form(form: tuple[Any, Any], *, delimiters: int, replacements: int) -> None:
    """Reject a form that does not have all parts of its body, with their texts unchanged.

    Django's parser ignores a part without a name or with a header that is not UTF-8, and a file without a usable file name.
    It ends a part at a delimiter inside a line, and ignores the rest. In names and texts, it replaces invalid bytes.

    Args:
        form: texts and files by name.
        delimiters: how often the delimiter of the parts occurs in the body, with the last one.
        replacements: how often the body itself contains U+FFFD.

    Raises:
        MultiPartParserError: a part is missing, or a name or a text has been changed.
    """
    texts, files = form
    read = sum(len(values) for parts in (texts, files) for _, values in parts.lists())
    if read != delimiters - 1:
        raise MultiPartParserError(UNREADABLE_MESSAGE)
    if sum(text.count(REPLACEMENT) for name, values in texts.lists() for text in (name, *values)) > replacements:
        raise MultiPartParserError(NOT_UTF8_MESSAGE)
