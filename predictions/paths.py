"""A file storage that has a file on the disk, not in a cache, before it says so."""

from __future__ import annotations

from typing import Any

INPUTS = "inputs"  # folder below MEDIA_ROOT for what was uploaded


def get_input_path(instance: Any, filename: str) -> str:
    """Return `inputs/ab/cd/<uuid>.<ext>`, by the id's random end and by the decoder's word on the format."""
    extension = instance.content_type.removeprefix("image/").replace("jpeg", "jpg")
    return f"{INPUTS}/{instance.id.hex[-2:]}/{instance.id.hex[-4:-2]}/{instance.id}.{extension}"
