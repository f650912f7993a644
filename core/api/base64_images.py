"""Decode images that clients send as base64 inside JSON."""

from __future__ import annotations

import binascii
import re
from typing import Any

from django.core.files.base import ContentFile, File

from inference.errors import InvalidInput

WHITESPACE = " \t\r\n"
LINE_BREAKS = b"\t\r\n"  # some encoders wrap lines (RFC 2045, section 6.8)
MAX_DATA_HEADER_CHARACTERS = 300  # of a data URL, before the comma
SCHEME = re.compile(r"(?!data:)[a-z][a-z0-9+.-]{0,20}:", re.IGNORECASE | re.ASCII)  # of a URL, or a Windows drive
PATH = re.compile(r"(?!data:)(?:/(?!9j/).*|.*[.\\~].*)", re.IGNORECASE)  # base64 of a JPEG starts with /9j/
MAX_PATH_CHARACTERS = 1000
URL_SAFE_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
EXPECTED = (
    "Send the bytes of the image as base64 or as a data URL, or send multipart/form-data with the image as a file part."
)


def decode_image(value: Any, *, field: str = "image") -> File:
    """Return the image that a JSON value contains, as a file without a name.

    The value is base64 (RFC 4648) in the standard or the URL-safe alphabet, with all of its padding or none of it, or a data
    URL (RFC 2397) of it. Line breaks and tabs are ignored. The media type of a data URL has no meaning: the decoder
    determines the format. The size and the content are not checked: `prepare_input` does so.

    Args:
        field: the name of the field in errors.

    Raises:
        InvalidInput: `not-a-file` for a URL, a path, or a value that is not a string; `invalid-base64` for other text.
    """
    if not isinstance(value, str):
        raise InvalidInput(f"Expected an image. {EXPECTED}", code="not-a-file", field=field)
    text = value.strip(WHITESPACE)
    if SCHEME.match(text) or text.startswith("//"):
        raise InvalidInput(
            f"Expected an image, not its URL. URLs are not fetched. {EXPECTED}", code="not-a-file", field=field
        )
    if len(text) <= MAX_PATH_CHARACTERS and PATH.fullmatch(text):
        raise InvalidInput(f"Expected an image, not its path. {EXPECTED}", code="not-a-file", field=field)
    if text[:5].lower() == "data:":
        text = _read_data_url(text, field)
    try:
        return ContentFile(_decode_base64(text))
    except ValueError as error:
        raise InvalidInput(
            f"The text is not valid base64: {error}. {EXPECTED}", code="invalid-base64", field=field
        ) from error


def _read_data_url(url: str, field: str) -> str:
    """Return the base64 text of a data URL."""
    header, comma, _ = url[:MAX_DATA_HEADER_CHARACTERS].partition(",")
    if not comma or not header.lower().endswith(";base64"):
        raise InvalidInput(
            "The data URL is not valid. Expected data:image/png;base64, followed by the image as base64.",
            code="invalid-base64",
            field=field,
        )
    return url[len(header) + 1 :].strip(WHITESPACE)


def _decode_base64(text: str) -> bytes:
    """Decode base64 strictly.

    Raises:
        ValueError: the message describes what is wrong.
    """
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError as error:
        raise ValueError("it contains a character that is not ASCII") from error
    data = _convert_alphabet(data.translate(None, LINE_BREAKS))
    if not data.endswith(b"="):
        data += b"=" * (-len(data) % 4)
    if len(data) % 4:
        raise ValueError("it has the wrong length. Part of it may be missing")
    try:
        return binascii.a2b_base64(data, strict_mode=True)
    except binascii.Error as error:
        raise ValueError(f"{error}".rstrip(".").lower()) from error


def _convert_alphabet(data: bytes) -> bytes:
    """Return base64 in the standard alphabet. Reject what often goes wrong in transit."""
    if b" " in data:
        raise ValueError("it contains spaces. A form encoding may have replaced plus signs")
    if b"%" in data:
        raise ValueError("it contains percent signs. Do not percent-encode it")
    if b"-" not in data and b"_" not in data:
        return data
    if b"+" in data or b"/" in data:
        raise ValueError("it mixes the standard and the URL-safe alphabet")
    return data.translate(URL_SAFE_TO_STANDARD)
