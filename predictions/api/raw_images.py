"""Bodies that are an image and nothing else. The other fields are query parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.core.files.base import ContentFile, File
from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ValidationError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from core.api.fields import MAX_QUOTED_CHARACTERS

MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp", "application/octet-stream")  # usual ones; each image/* is read
QUERY_FIELDS = ("model", "client_reference", "expires_in")
OTHER_PARAMETERS = {"format", "include", "store", "unique_reference"}  # of requests in any form


class ImageParser(BaseParser):
    """Read a body of any image type as the field `image`. The decoder determines the format, not the media type."""

    media_type = "image/*"

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        request: Request = (parser_context or {})["request"]
        unknown = sorted(request.query_params.keys() - {*QUERY_FIELDS, *OTHER_PARAMETERS})
        if unknown:
            available = ", ".join(QUERY_FIELDS)
            detail = f"There is no such query parameter. Available parameters with an image as the body: {available}."
            raise ValidationError({name[:MAX_QUOTED_CHARACTERS]: detail for name in unknown}, code="unknown-parameter")
        fields = {name: request.query_params[name] for name in QUERY_FIELDS if name in request.query_params}
        return {**fields, "image": build_image(stream.read(), request.META.get("HTTP_CONTENT_DISPOSITION", ""))}


class BinaryParser(ImageParser):
    """Read a body of unspecified type as an image."""

    media_type = "application/octet-stream"


def build_image(data: bytes, disposition: str) -> File:
    """Return the body as a file. The header Content-Disposition can contain its name."""
    return ContentFile(data, _read_file_name(disposition))


def _read_file_name(disposition: str) -> str | None:
    """Return the file name in a header Content-Disposition (RFC 6266), if there is a valid one."""
    try:
        name = parse_header_parameters(disposition)[1].get("filename")
        return name and name.encode("latin-1").decode()  # servers decode headers as Latin-1, and clients send UTF-8
    except UnicodeError:
        return name
    except ValueError:
        return None


def reject_query_fields(request: Request) -> None:
    """Reject query parameters that would have no effect, such as fields of the body, and a misspelled `store=false`.

    Raises:
        ValidationError: `unknown-parameter`.
    """
    if (request.content_type or "").startswith(("image/", "application/octet-stream")):
        return  # `ImageParser` has checked them
    fields = "Send this field in the body. It is a query parameter only if the body is the image itself."
    others = f"There is no such query parameter. Available parameters: {', '.join(sorted(OTHER_PARAMETERS))}."
    if names := sorted(request.query_params.keys() - OTHER_PARAMETERS):
        raise ValidationError(
            {name[:MAX_QUOTED_CHARACTERS]: fields if name in QUERY_FIELDS else others for name in names},
            code="unknown-parameter",
        )
