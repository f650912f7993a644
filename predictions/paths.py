"""Paths of stored files below MEDIA_ROOT."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from predictions.models import Input

INPUT_FOLDER = "inputs"


def get_input_path(instance: Input, filename: str) -> str:
    """Return `inputs/ab/cd/<uuid>.<ext>`: folders from the random end of the id, the extension from the decoded format."""
    extension = instance.content_type.removeprefix("image/").replace("jpeg", "jpg")
    return f"{INPUT_FOLDER}/{instance.id.hex[-2:]}/{instance.id.hex[-4:-2]}/{instance.id}.{extension}"
