"""Files that are not acceptable images, and some that are. Each is sent to the API and to the page."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from struct import pack

from PIL import Image

from inference.tests.factories import make_noise_image


@dataclass(frozen=True)
class Upload:
    """A file, and the status and code of the response to it."""

    name: str
    data: bytes
    status: int
    code: str = ""
    file_name: str = "a.png"


def save(mode: str, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert(mode).save(file, kind, **options)
    return file.getvalue()


def build_chunk(kind: bytes, data: bytes) -> bytes:
    return pack(">I", len(data)) + kind + data + pack(">I", zlib.crc32(kind + data))


def build_png(width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 0) -> bytes:
    header = build_chunk(b"IHDR", pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    rows = build_chunk(b"IDAT", zlib.compress(b"\0" * min(height * (width + 1), 10**6)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + rows + build_chunk(b"IEND", b"")


def insert_segments(jpeg: bytes, *segments: bytes) -> bytes:
    """Return a JPEG with application segments after its first marker."""
    return jpeg[:2] + b"".join(b"\xff\xe1" + pack(">H", len(part) + 2) + part for part in segments) + jpeg[2:]


PNG = make_noise_image(1, size=(64, 64))
JPEG = save("RGB", "JPEG", quality=90)
WEBP = save("RGB", "WEBP")
BOMB = zlib.compress(b"\0" * 2**26)
EXIF_LOOP = b"Exif\0\0MM\0*\0\0\0\x08" + b"\0\x01\x87\x69\0\x04\0\0\0\x01\0\0\0\x08\0\0\0\x08"
ACCEPTED = 201

TRUNCATED = [
    *[
        Upload(f"A4 JPEG cut at {share:.1%}", JPEG[: int(len(JPEG) * share)], 400, "truncated-image")
        for share in (0.3, 0.5, 0.9)
    ],
    Upload("A4 JPEG without its end", JPEG[:-40], 400, "truncated-image"),
    Upload("A5 PNG cut in half", PNG[: len(PNG) // 2], 400, "truncated-image"),
    Upload("WebP cut in half", WEBP[: len(WEBP) // 2], 400, "truncated-image"),
    Upload("only the signature of a PNG", PNG[:8], 400, "truncated-image"),
    Upload("only the header of a PNG", PNG[:33], 400, "truncated-image"),
    Upload("only the start of a JPEG", b"\xff\xd8\xff", 400, "truncated-image"),
    Upload("only the start of a WebP", b"RIFF\x10\0\0\0WEBP", 400, "truncated-image"),
    Upload("PNG without pixels", PNG[:33] + build_chunk(b"IEND", b""), 400, "invalid-image"),
]
NOT_IMAGES = [
    Upload("A2 empty file", b"", 400, "empty-file"),
    Upload("A3 text", b"text", 400, "invalid-image"),
    Upload("one byte", b"\0", 400, "invalid-image"),
    Upload("random bytes", bytes(range(256)) * 8, 400, "invalid-image"),
    Upload("A16 HTML named .jpg", b"<html><script>alert(1)</script>", 400, "invalid-image", "a.jpg"),
    Upload("A16 JavaScript", b"alert(1)", 400, "invalid-image", "a.js"),
    Upload("a ZIP archive", b"PK\x03\x04" + b"\0" * 60, 400, "invalid-image"),
    Upload("a program", b"\x7fELF" + b"\0" * 60, 400, "invalid-image"),
    Upload("a PDF", b"%PDF-1.7\n", 415, "unsupported-image-format"),
    Upload("a gzip file", b"\x1f\x8b\x08" + b"\0" * 60, 415, "unsupported-image-format"),
]
OTHER_FORMATS = [
    Upload(f"A21 {name}", data + b"\0" * 64, 415, "unsupported-image-format")
    for name, data in {
        "GIF": b"GIF89a\1\0\1\0",
        "BMP": b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        "TIFF": b"II*\0\x08\0\0\0",
        "big-endian TIFF": b"MM\0*\0\0\0\x08",
        "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
        "AVIF": b"\0\0\0\x1cftypavif",
        "HEIC": b"\0\0\0\x18ftypheic",
    }.items()
]
REFUSED_FORMATS = [  # formats that nobody expects to work: 400 or 415
    Upload(name, data + b"\0" * 64, 0)
    for name, data in {
        "A15 SVG": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        "A21 ICO": b"\0\0\1\0\1\0",
        "A21 PCX": b"\n\5\1\x08",
        "A21 SGI": b"\x01\xda\1\1",
        "A21 PPM": b"P6 8 8 255\n",
        "A21 PSD": b"8BPS\0\1",
        "A21 TGA": b"\0\0\2\0\0\0\0\0",
        "A22 EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n",
        "A23 FITS": b"SIMPLE  =                    T",
        "A23 FPX": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "DDS": b"DDS \x7c\0\0\0",
        "JPEG XL": b"\xff\x0a",
        "QOI": b"qoif\0\0\0\x08\0\0\0\x08\3\0",
        "WMF": b"\xd7\xcd\xc6\x9a",
        "XPM": b"/* XPM */",
        "Sun raster": b"\x59\xa6\x6a\x95",
        "DICOM": b"\0" * 128 + b"DICM",
        "NumPy": b"\x93NUMPY\1\0",
        "pickle": b"\x80\4\x95",
    }.items()
]
SIZES = [
    Upload("A7 50,000 x 50,000", build_png(50_000, 50_000), 400, "too-many-pixels"),
    Upload("A8 13,300 x 13,300", build_png(13_300, 13_300), 400, "too-many-pixels"),
    Upload("2,000,000,000 x 1", build_png(2 * 10**9, 1), 400, "too-many-pixels"),
    Upload("10,001 x 100", build_png(10_001, 100), 400, "too-many-pixels"),
    Upload("A10 1 x 1", build_png(1, 1), 400, "too-small"),
    Upload("7 x 100", build_png(7, 100), 400, "too-small"),
    Upload("0 x 0", build_png(0, 0), 400, "invalid-image"),
    Upload("no depth", build_png(64, 64, depth=3), 400, "invalid-image"),
    Upload("no such color type", build_png(64, 64, color=9), 400, "invalid-image"),
]
BOMBS = [
    Upload("A25 zTXt bomb", build_png(64, 64, build_chunk(b"zTXt", b"a\0\0" + BOMB)), 0),
    Upload("A25 iCCP bomb", build_png(64, 64, build_chunk(b"iCCP", b"a\0\0" + BOMB)), 0),
    Upload("A25 iTXt bomb", build_png(64, 64, build_chunk(b"iTXt", b"a\0\1\0\0\0" + BOMB)), 0),
    Upload("1,000 text chunks", build_png(64, 64, *[build_chunk(b"tEXt", b"a\0b")] * 1000), 0),
    Upload("A26 EXIF loop", insert_segments(JPEG, EXIF_LOOP), 0),
    Upload("A26 longest EXIF", insert_segments(JPEG, (b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 65_533)[:65_533]), 0),
    Upload("A26 100 segments", insert_segments(JPEG, *[b"http://ns.adobe.com/xap/1.0/\0" + b"x" * 1000] * 100), 0),
]
GOOD = [
    Upload("A6 damaged scan", JPEG[:-400] + bytes(200) + JPEG[-200:], 0),
    Upload("A17 script after the PNG", PNG + b"<script>alert(1)</script>", ACCEPTED),
    *[Upload(f"A18 {name}", PNG, ACCEPTED, "", name) for name in ("x.html", "x.php", "x.jpg.php", "x", ".png", "...png")],
    Upload("A20 PNG named .jpg", PNG, ACCEPTED, "", "x.jpg"),
    *[Upload(f"A27 {mode}", save(mode, "PNG"), ACCEPTED) for mode in ("1", "L", "LA", "P", "RGBA")],
    Upload("A27 CMYK", save("CMYK", "JPEG"), ACCEPTED, "", "x.jpg"),
    Upload("A27 16 bits", save("I;16", "PNG"), 0),
    Upload("A30 path", PNG, ACCEPTED, "", "../../etc/x.png"),
    Upload("A31 300 characters", PNG, ACCEPTED, "", "x" * 300 + ".png"),
    *[
        Upload(f"A32 {name!a}", PNG, ACCEPTED, "", name)
        for name in ("\u202ex.png", "é🙂.png", "<img src=x>.png", "CON.png", "a;b.png")
    ],
]
UPLOADS = [*TRUNCATED, *NOT_IMAGES, *OTHER_FORMATS, *REFUSED_FORMATS, *SIZES, *BOMBS, *GOOD]
