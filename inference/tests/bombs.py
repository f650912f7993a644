"""Small files that keep a decoder busy, and valid files that resemble them."""

import struct
import zlib
from io import BytesIO

from PIL import Image

LARGE = (6250, 4000)


def save(image, format, **options):
    out = BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def make_segment(code, body):
    return struct.pack(">BBH", 0xFF, code, len(body) + 2) + body


def make_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def make_riff(*chunks):
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def make_scans(count, size=LARGE):
    """Return a progressive JPEG with a number of scans, at least 10."""
    data = save(Image.new("RGB", size), "JPEG", progressive=True)
    start = data.rfind(b"\xff\xda")
    return data[:start] + data[start:-2] * (count - 9) + data[-2:]


def add_to_jpeg(parts):
    data = save(Image.new("RGB", (64, 64)), "JPEG")
    return data[:2] + parts + data[2:]


def add_to_png(*chunks, before=b"IDAT"):
    data = save(Image.new("RGB", (64, 64)), "PNG")
    start = data.index(before) - 4
    return data[:start] + b"".join(make_chunk(*chunk) for chunk in chunks) + data[start:]


def make_exif(count, size, tail=0):
    """Return EXIF data with an orientation and values that share their bytes."""
    entries = [struct.pack("<HHII", 0x112, 3, 1, 6)]
    entries += [struct.pack("<HHII", 0x1000 + number, 1, size, 8) for number in range(count - 1)]
    return b"II*\0\x08\0\0\0" + struct.pack("<H", count) + b"".join(entries) + bytes(4 + tail)


def make_png(color, depth, channels, *chunks, size=(2500, 2000)):
    """Return a PNG of zeros, which is compressed a thousand times, with the slowest filter."""
    width, height = size
    row = b"\x04" + bytes(width * channels * depth // 8)
    compressor = zlib.compressobj(1)
    pixels = b"".join([*(compressor.compress(row * 100) for _ in range(height // 100)), compressor.flush()])
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(make_chunk(*part) for part in parts)


def make_frame(code, bits, data):
    """Return a JPEG of 25 megapixels with any data: C9 is arithmetic coding, C3 is lossless."""
    header = struct.pack(">BHHB", bits, LARGE[1], LARGE[0], 3) + bytes([1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0])
    table = make_segment(0xDB, b"\0" + b"\1" * 64)
    scan = make_segment(0xDA, bytes([3, 1, 0, 2, 0, 3, 0, 0, 63, 0]))
    return b"\xff\xd8" + table + make_segment(code, header) + scan + data + b"\xff\xd9"


def make_frames(count):
    lossless = save(Image.new("RGB", (64, 64)), "WEBP", lossless=True)[20:]
    canvas = struct.pack("<I", 2) + b"\x3f\0\0" * 2
    frame = bytes(6) + b"\x3f\0\0" * 2 + bytes(4) + b"VP8L" + struct.pack("<I", len(lossless)) + lossless
    return make_riff((b"VP8X", canvas), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * count)


def add_to_webp(*chunks):
    lossless = save(Image.new("RGB", (64, 64)), "WEBP", lossless=True)[20:]
    return make_riff((b"VP8X", struct.pack("<I", 8) + b"\x3f\0\0" * 2), (b"VP8L", lossless), *chunks)


MEGABYTE = zlib.compress(bytes(2**20 - 1))
REJECTED = {
    "scans": lambda: make_scans(1500),
    "scans-small": lambda: make_scans(1500, (640, 480)),
    "comments": lambda: add_to_jpeg(b"\xff\xfe\0\2" * 500_000),
    "fill-bytes": lambda: add_to_jpeg(b"\xff" * 2_000_000),
    "escaped-bytes": lambda: add_to_jpeg(b"\xff\0" * 1_000_000),
    "restart-markers": lambda: add_to_jpeg(b"\xff\xd0" * 1_000_000),
    "exif-segments": lambda: add_to_jpeg(make_segment(0xE1, b"Exif\0\0" + bytes(65000)) * 140),
    "exif-jpeg": lambda: add_to_jpeg(make_segment(0xE1, b"Exif\0\0" + make_exif(5000, 60000))),
    "exif-entries": lambda: add_to_png((b"eXIf", make_exif(5000, 4))),
    "exif-png": lambda: add_to_png((b"eXIf", make_exif(1900, 2_000_000, tail=2_000_000))),
    "exif-png-at-end": lambda: add_to_png((b"eXIf", make_exif(1900, 2_000_000, tail=2_000_000)), before=b"IEND"),
    "exif-prefixes": lambda: add_to_png((b"eXIf", b"Exif\0\0" * 500_000)),
    "exif-webp": lambda: add_to_webp((b"EXIF", make_exif(1900, 2_000_000, tail=2_000_000))),
    "exif-profile": lambda: add_to_png(
        (b"tEXt", b"Raw profile type exif\0\nexif\n  1\n" + make_exif(1900, 200_000, tail=200_000).hex().encode())
    ),
    "chunks": lambda: add_to_png(*[(b"tEXt", b"a\0b")] * 25_000),
    "profiles": lambda: add_to_png(*[(b"iCCP", b"a\0\0" + MEGABYTE)] * 50),
    "webp-chunks": lambda: add_to_webp(*[(b"abcd", b"")] * 100_000),
}
OTHER_REJECTED = {
    "webp-frames": (lambda: make_frames(5_000), "animated-image"),
    "apng": (lambda: add_to_png((b"acTL", struct.pack(">II", 10**9, 0))), "animated-image"),
    "texts": (lambda: add_to_png(*[(b"zTXt", b"a\0\0" + MEGABYTE)] * 100), "invalid-image"),
    "12-bit": (lambda: make_frame(0xC1, 12, bytes(1000)), "invalid-image"),
}
ACCEPTED = {
    "progressive": lambda: make_scans(10, (2500, 2000)),
    "progressive-many-scans": lambda: make_scans(90, (1000, 800)),
    "arithmetic": lambda: make_frame(0xC9, 8, bytes(1_000_000)),
    "scans-after-end": lambda: add_to_jpeg(b"") + b"\xff\xda\0\2" * 10_000,
    "restart-interval": lambda: add_to_jpeg(make_segment(0xDD, b"\0\1")),
    "profile-segments": lambda: add_to_jpeg(make_segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(60000)) * 150),
    "rows-as-chunks": lambda: add_to_png(*[(b"IDAT", b"")] * 10_000),
    "many-frames": lambda: save(
        Image.new("RGB", (16, 16)), "MPO", save_all=True, append_images=[Image.new("RGB", (16, 16))] * 400
    ),
    "gray-16": lambda: make_png(0, 16, 1),
    "palette": lambda: make_png(3, 8, 1, (b"PLTE", bytes(768)), (b"tRNS", bytes(256))),
    "rgba": lambda: make_png(6, 8, 4),
    "cmyk": lambda: save(Image.new("CMYK", (2500, 2000)), "JPEG"),
}
