"""Exceptions of Pillow's decoders."""

from __future__ import annotations

import struct

from PIL import Image

# Raised for corrupt data. A corrupt length field can cause MemoryError.
DECODER_ERRORS: tuple[type[Exception], ...] = (
    *(OSError, SyntaxError, ValueError, EOFError, struct.error, KeyError, IndexError, TypeError, AttributeError),
    *(ZeroDivisionError, OverflowError, MemoryError, AssertionError, Image.DecompressionBombError),
)
