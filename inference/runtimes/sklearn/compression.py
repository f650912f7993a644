"""Read pickles that joblib compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

GZIP_HEADER = b"\x1f\x8b"
DECOMPRESSORS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (GZIP_HEADER, gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00", lzma.decompress), (b"\x78", zlib.decompress),
)  # fmt: skip


def open_pickle(path: Path) -> AbstractContextManager[Any]:
    """Return what `joblib.load` reads a pickle from: its path, or a gzip file.

    joblib itself fills the memory if a gzip file consists of several members.
    """
    with path.open("rb") as file:
        is_gzip = file.read(len(GZIP_HEADER)) == GZIP_HEADER
    return gzip.open(path) if is_gzip else nullcontext(path)


def read_decompressed(path: Path) -> bytes:
    """Return the content of a pickle, decompressed if joblib compressed it."""
    data = path.read_bytes()
    for prefix, decompress in DECOMPRESSORS:
        if data.startswith(prefix):
            try:
                return decompress(data)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                return data
    return data
