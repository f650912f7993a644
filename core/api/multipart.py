"""Split plain multipart bodies. Django's parser reads all others."""

from __future__ import annotations

import re

from django.core.files.base import ContentFile

# As browsers, curl, and the HTTP libraries of Python and JavaScript write them.
CONTENT_TYPE = re.compile(r"""multipart/form-data; ?boundary=("?)([0-9A-Za-z'()+_,./:=?-]{1,70})\1""")
PART_HEADERS = re.compile(
    rb'Content-Disposition: form-data; name="(?P<name>[a-z_]{1,50})"'
    rb'(?:; filename="(?P<file_name>[A-Za-z0-9](?:[A-Za-z0-9 ()+,._-]{0,98}[A-Za-z0-9])?)")?'
    rb"(?:\r\nContent-Type: [a-z]{1,50}/[a-z0-9.+-]{1,100})?",
    re.IGNORECASE,
)
LAST_PARTS = (b"--", b"--\r\n")


def split_plain_form(body: bytes, content_type: str) -> dict[str, str | ContentFile] | None:
    """Return the texts and files of a body by name, or None if Django's parser must read it, as for repeated names."""
    parts = split_plain_parts(body, content_type)
    form = dict(parts) if parts else None
    return form if form and parts and len(form) == len(parts) else None


def split_plain_parts(body: bytes, content_type: str) -> list[tuple[str, str | ContentFile]] | None:
    """Return the names, and the texts and files, of all parts of a body, or None if Django's parser must read it.

    A body is plain if its names are ASCII, and if its parts have no headers other than those of RFC 7578, section 4.8. For a
    small image and one text, this takes 0.02 ms. Django's parser takes 0.35 ms, because it parses the headers of each part
    several times with `email.message`.
    """
    match = CONTENT_TYPE.fullmatch(content_type)
    if match is None:
        return None
    delimiter = b"--" + match[2].encode()
    first, *parts = (b"\r\n" + body).split(b"\r\n" + delimiter)
    # Django's parser also ends a part at a delimiter that is inside a line.
    if first or body.count(delimiter) != len(parts) or not parts or parts.pop() not in LAST_PARTS:
        return None
    read: list[tuple[str, str | ContentFile]] = []
    for part in parts:
        headers, separator, content = part.partition(b"\r\n\r\n")
        match_headers = PART_HEADERS.fullmatch(headers, 2) if headers.startswith(b"\r\n") and separator else None
        if match_headers is None:
            return None
        name = match_headers["name"].decode()
        if match_headers["file_name"]:
            read.append((name, ContentFile(content, match_headers["file_name"].decode())))
        else:
            try:
                read.append((name, content.decode()))
            except UnicodeDecodeError:
                return None
    return read
