"""Validators of single values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from pathlib import PurePosixPath

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

MAX_LABEL_CHARACTERS = 100
MAX_FILE_NAME_CHARACTERS = 255
MAX_SHOWN_CHARACTERS = 200  # of an invalid label in an error message
JOINERS = "\u200c\u200d"  # invisible, but part of words in Persian and Indian scripts, and of emoji

validate_name = RegexValidator(
    r"\A[a-z][a-z0-9]*(-[a-z0-9]+)*\Z",
    _("Use lowercase letters, digits, and single hyphens, and start with a letter. For example: digits, iris-2."),
)
validate_sha256 = RegexValidator(r"\A[0-9a-f]{64}\Z", _("Use 64 lowercase hexadecimal digits."))


def is_storable(text: str) -> bool:
    """Return whether a database can store a text: it has no NUL character and no unpaired surrogate."""
    return "\0" not in text and text.encode("utf-8", "ignore").decode() == text


def validate_labels(labels: object) -> None:
    """Check that labels are a list of unique, printable strings of 1 to 100 characters."""
    if not isinstance(labels, Sequence) or isinstance(labels, str) or not all(isinstance(label, str) for label in labels):
        raise ValidationError(gettext("Expected a list of strings. Received: %(labels)r") % {"labels": labels})
    for label in labels:
        visible = "".join(char for char in label if char not in JOINERS)
        if not visible.strip() or len(label) > MAX_LABEL_CHARACTERS or not visible.isprintable():
            raise ValidationError(
                gettext("A label must have 1 to %(limit)s printable characters. Received: %(label)r")
                % {"limit": MAX_LABEL_CHARACTERS, "label": label[:MAX_SHOWN_CHARACTERS]}
            )
    if len(set(labels)) != len(labels):
        duplicates = sorted({label for label in labels if labels.count(label) > 1})
        raise ValidationError(
            gettext("Labels must be unique. Duplicates: %(duplicates)s. Give each class a name of its own.")
            % {"duplicates": ", ".join(duplicates)}
        )


def validate_artifact_path(path: str) -> None:
    """Check that a path is relative and stays below MODEL_ROOT."""
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts or ":" in path or "\\" in path or "\0" in path:
        raise ValidationError(gettext("Expected a relative path below MODEL_ROOT. Received: %(path)r") % {"path": path})


def clean_file_name(name: str | None) -> str:
    """Return the last part of a file name, without invisible characters and truncated to 255 characters."""
    base = re.split(r"[/\\]", name or "")[-1]
    if base.isascii() and base.isprintable():
        return base.strip()[:MAX_FILE_NAME_CHARACTERS]
    visible = "".join(char for char in base if unicodedata.category(char)[0] != "C")
    return visible.strip()[:MAX_FILE_NAME_CHARACTERS]


def remove_control_characters(text: str, *, keep: str = "") -> str:
    """Return a text without control characters, which a database or a page may not accept, other than those to keep."""
    return "".join(char for char in text if char in keep or unicodedata.category(char) != "Cc")
