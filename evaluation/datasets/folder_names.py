"""Labels as names of folders, on any disk."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import quote

MAX_NAME = 255  # bytes
# What Windows takes for something else, https://learn.microsoft.com/windows/win32/fileio/naming-a-file, and hidden files.
UNSAFE = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f]|^\.|[. ]$|^(CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|(COM|LPT)[0-9¹²³]) *(\..*)?$', re.IGNORECASE
)


def folder_names(labels: Iterable[str]) -> dict[str, str]:
    """Return the name of each label's folder: the label itself where it is a safe one, else percent-encoded.

    No two are the same on a disk that does not tell capitals from small letters, or composed letters from others: there
    the second of `x` and `X` is written `%58`.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for label in labels:
        names[label] = next(name for name in _candidates(label) if _folded(name) not in taken)
        taken.add(_folded(names[label]))
    return names


def _candidates(label: str) -> Iterator[str]:
    """Yield the names that a label may have, the most readable first; the last one is no other label's."""
    if "%" not in label and _is_safe(label):
        yield label
    if _is_safe(encoded := quote(label, safe="")):
        yield encoded
    data = label.encode()
    whole = "".join(f"%{byte:02X}" for byte in data)
    yield whole if len(whole) <= MAX_NAME else f"%{hashlib.sha256(data).hexdigest()}"


def _is_safe(name: str) -> bool:
    return not UNSAFE.search(name) and len(name.encode()) <= MAX_NAME


def _folded(name: str) -> str:
    """Return what names share that some disk takes for one."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
