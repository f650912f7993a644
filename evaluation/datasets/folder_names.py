"""Folder names for labels that are valid on every file system."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MAX_NAME_BYTES = 255
# Names with a special meaning on Windows, https://learn.microsoft.com/windows/win32/fileio/naming-a-file, and hidden files.
UNSAFE_PATTERN = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f]|^\.|[. ]$|^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\..*)?$', re.IGNORECASE
)


def assign_folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Return the folder name of each label: the label itself if it is safe, otherwise percent-encoded.

    The names stay different on file systems that ignore case or Unicode normalization: of `x` and `X`, the second becomes
    `%58`.
    """
    names: dict[str, str] = {}
    used: set[str] = set()
    for label in labels:
        names[label] = next(name for name in _list_candidates(label) if _normalize_name(name) not in used)
        used.add(_normalize_name(names[label]))
    return names


def _list_candidates(label: str) -> Iterator[str]:
    """Yield possible names of a label, the most readable first. The last one is unique to the label."""
    if "%" not in label and _is_safe(label):
        yield label
    if _is_safe(encoded := quote(label, safe="")):
        yield encoded
    data = label.encode()
    fully_encoded = "".join(f"%{byte:02X}" for byte in data)
    yield fully_encoded if len(fully_encoded) <= MAX_NAME_BYTES else f"%{hashlib.sha256(data).hexdigest()}"


def _is_safe(name: str) -> bool:
    return not UNSAFE_PATTERN.search(name) and len(name.encode()) <= MAX_NAME_BYTES


def _normalize_name(name: str) -> str:
    """Return the same text for all names that a file system could treat as equal."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
