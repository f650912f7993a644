"""Build ICC color profiles, and convert colors by their definition, independently of a color engine."""

from __future__ import annotations

import struct

import numpy as np

Matrix = list[list[float]]

# Colors of the primaries in the profile connection space (D50), one row per X, Y, Z, as in the profiles of the vendors.
DISPLAY_P3: Matrix = [[0.515121, 0.291977, 0.157104], [0.241196, 0.692245, 0.066559], [-0.001053, 0.041885, 0.784073]]
ADOBE_RGB: Matrix = [[0.609741, 0.205276, 0.149185], [0.311111, 0.625671, 0.063217], [0.019470, 0.060867, 0.744568]]
SRGB: Matrix = [[0.436066, 0.385147, 0.143066], [0.222488, 0.716873, 0.060608], [0.013916, 0.097076, 0.714096]]
D50 = (0.9642, 1.0, 0.8249)
HEADER_BYTES, TAG_BYTES = 128, 12


def make_profile(primaries: Matrix, gamma: float, name: str = "Test") -> bytes:
    """Return an RGB display profile, version 2.4, https://www.color.org/ICC1v42_2006-05.pdf."""
    text = name.encode() + b"\0"
    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256)) + b"\0\0"
    columns = np.transpose(primaries)
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 78,
        b"cprt": b"text\0\0\0\0" + b"None\0",
        b"wtpt": _make_xyz(D50),
        **{tag: _make_xyz(column) for tag, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), columns, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    return _build_profile(tags, 0x02400000)


def _build_profile(tags: dict[bytes, bytes], version: int) -> bytes:
    table, body = struct.pack(">I", len(tags)), b""
    start = HEADER_BYTES + 4 + TAG_BYTES * len(tags)
    for tag, content in tags.items():
        table += tag + struct.pack(">II", start + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    header = struct.pack(">I4xI4s4s4s12x4s", start + len(body), version, b"mntr", b"RGB ", b"XYZ ", b"acsp")
    header += b"\0" * 28 + _make_xyz(D50)[8:]
    return header.ljust(HEADER_BYTES, b"\0") + table + body


def make_float_profile(steps: int) -> bytes:
    """Return an RGB profile whose only transform has many steps in floating-point numbers, all of one definition."""
    segment = b"parf\0\0\0\0" + struct.pack(">2H4f", 0, 0, 1.01, 1, 0, 0)
    curve = b"curf\0\0\0\0" + struct.pack(">2H", 1, 0) + segment
    head = b"cvst\0\0\0\0" + struct.pack(">2H", 3, 3)
    step = head + struct.pack(">2I", len(head) + 24, len(curve)) * 3 + curve
    positions = struct.pack(">2I", 16 + 8 * steps, len(step)) * steps
    transform = b"mpet\0\0\0\0" + struct.pack(">2HI", 3, 3, steps) + positions + step
    return _build_profile({b"cprt": b"text\0\0\0\0" + b"None\0", b"wtpt": _make_xyz(D50), b"D2B0": transform}, 0x04300000)


def convert_by_definition(pixels: np.ndarray, primaries: Matrix, gamma: float) -> np.ndarray:
    """Return RGB pixels (..., 3) of a profile as unrounded sRGB levels, clipped to 0 to 255."""
    linear = (pixels / 255.0) ** gamma
    linear = (linear @ np.transpose(primaries) @ np.linalg.inv(np.transpose(SRGB))).clip(0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(encoded * 255)


def _make_xyz(values: object) -> bytes:
    numbers = [round(float(value) * 65536) for value in np.asarray(values)]
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *numbers)
