"""Detect image formats that are not accepted."""

from __future__ import annotations

# First bytes of image formats that are not accepted, so that the error message can name the format.
UNSUPPORTED_SIGNATURES = {
    b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF", b"II+\x00": "TIFF", b"\x00\x00\x01\x00": "ICO",
    b"\x00\x00\x02\x00": "CUR", b"\x01\xda": "SGI", b"\x00\x00\x00\x0cjP  ": "JPEG 2000", b"\xff\x4f\xff\x51": "JPEG 2000",
    b"SIMPLE  =": "FITS", b"\x1f\x8b": "gzip", b"8BPS": "PSD", b"%!PS": "EPS", b"\xc5\xd0\xd3\xc6": "EPS", b"%PDF": "PDF",
    b"\xd0\xcf\x11\xe0": "FlashPix", b"DDS ": "DDS", b"\xff\x0a": "JPEG XL", b"\x00\x00\x00\x0cJXL ": "JPEG XL",
    b"qoif": "QOI", b"icns": "ICNS", b"v/1\x01": "OpenEXR", b"\xd7\xcd\xc6\x9a": "WMF", b"\x0a\x05\x01": "PCX",
    b"\x0a\x00\x01": "PCX", b"\x0a\x02\x01": "PCX", b"\x0a\x03\x01": "PCX",
}  # fmt: skip
UNSUPPORTED_SIGNATURES |= {b"P%d%c" % (kind, space): "PPM" for kind in range(1, 8) for space in b" \n\r\t"}
TGA_FOOTER = b"TRUEVISION-XFILE.\x00"
XML_OPENINGS = (b"<?xml", b"<svg", b"<!doctype svg", b"<!--")


def detect_unsupported_format(data: bytes) -> str | None:
    """Return the name of an image format that is not accepted, or None."""
    if data[4:8] == b"ftyp":
        return "AVIF or HEIC"
    if data.endswith(TGA_FOOTER):
        return "TGA"
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith(XML_OPENINGS) and b"<svg" in text:
        return "SVG"
    return next((name for magic, name in UNSUPPORTED_SIGNATURES.items() if data.startswith(magic)), None)
