"""Pictures for tests."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image


def picture(shade: int = 0, *, size: tuple[int, int] = (16, 16), format: str = "PNG", **options: object) -> bytes:
    """Return an encoded grey image of one shade."""
    out = BytesIO()
    Image.new("L", size, shade).save(out, format, **options)
    return out.getvalue()


def noise(seed: int, *, size: tuple[int, int] = (16, 16)) -> bytes:
    """Return a PNG of seeded noise, unlike any other seed's."""
    out = BytesIO()
    values = np.random.default_rng(seed).integers(0, 256, size, dtype=np.uint8)
    Image.fromarray(values).save(out, "PNG")
    return out.getvalue()
