import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from inference.errors import ImageTooLarge, InvalidImage, UnsupportedFormat
from inference.preprocessing import ImageLimits, check_file_size, make_thumbnail, read_image, to_array
from inference.signature import ImageInput
from inference.tests.factories import make_image, make_noise_image

LIMITS = ImageLimits()
GRAY = ImageInput(height=8, width=8, channels=1)
RGB = ImageInput(height=8, width=8, channels=3)


def encode_image(mode: str, format: str = "PNG", **options: object) -> bytes:
    out = BytesIO()
    Image.effect_noise((16, 16), 90).convert("L").convert(mode).save(out, format, **options)
    return out.getvalue()


def make_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def make_png_header(width: int, height: int) -> bytes:
    start = b"\x89PNG\r\n\x1a\n" + make_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return start + make_chunk(b"IDAT", zlib.compress(b"\0")) + make_chunk(b"IEND", b"")


def make_png_bomb() -> bytes:
    """Return a PNG whose compressed text unpacks to 200 MB."""
    whole = make_image()
    text = make_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(b"a" * 200_000_000, 1))
    return whole[:33] + text + whole[33:]


def make_animation(format: str) -> bytes:
    out = BytesIO()
    frames = [Image.new("L", (16, 16), shade) for shade in (0, 120, 250)]
    frames[0].save(out, format, save_all=True, append_images=frames[1:])
    return out.getvalue()


def truncate(data: bytes, share: float) -> bytes:
    return data[: min(int(len(data) * share), len(data) - 1)]


JPEG = encode_image("RGB", "JPEG")
PNG = make_noise_image(1)
WEBP = encode_image("RGB", "WEBP")

REJECTED = [
    ("empty", b"", "empty-file"),
    ("text", b"not an image", "invalid-image"),
    ("html", b"<html><script>alert(1)</script></html>", "invalid-image"),
    ("html with svg", b"<html><svg onload=alert(1)></html>", "invalid-image"),
    ("svg", b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"></svg>', "unsupported-image-format"),
    ("pdf", b"%PDF-1.7 ...", "unsupported-image-format"),
    ("fits", b"SIMPLE  =                    T", "unsupported-image-format"),
    ("avif", b"\0\0\0\x1cftypavif\0\0\0\0", "unsupported-image-format"),
    ("1 x 1", make_image(size=(1, 1)), "too-small"),
    ("7 x 100", make_image(size=(7, 100)), "too-small"),
    ("50000 x 50000", make_png_header(50_000, 50_000), "too-many-pixels"),
    ("13300 x 13300", make_png_header(13_300, 13_300), "too-many-pixels"),
    ("10001 x 8", make_png_header(10_001, 8), "too-many-pixels"),
    ("text bomb", make_png_bomb(), "invalid-image"),
    ("animated PNG", make_animation("PNG"), "animated-image"),
    ("animated WebP", make_animation("WEBP"), "animated-image"),
    ("PNG signature only", b"\x89PNG\r\n\x1a\n", "truncated-image"),
]
REJECTED += [
    (f"{name} truncated at {share}", truncate(data, share), "truncated-image")
    for name, data in (("JPEG", JPEG), ("PNG", PNG), ("WebP", WEBP))
    for share in (0.3, 0.5, 0.9, 0.999)
]
UNSUPPORTED = ("GIF", "BMP", "TIFF", "ICO", "PCX", "TGA", "SGI", "PPM", "JPEG2000", "EPS", "DDS", "ICNS")


@pytest.mark.parametrize(("data", "code"), [row[1:] for row in REJECTED], ids=[row[0] for row in REJECTED])
def test_invalid_images_are_rejected_with_a_code_and_a_sentence(data, code):
    with pytest.raises(InvalidImage) as caught:
        read_image(data, LIMITS)
    assert caught.value.code == code
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("JPEG", JPEG.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc0\x00\x11\x0c")),  # 12 bits
        ("PNG", PNG[:29] + b"\0\0\0\0" + PNG[33:]),  # the checksum of the header
        ("WebP", WEBP[:12] + b"ABCD" + WEBP[16:]),
    ],
)
def test_a_file_that_the_decoder_does_not_know_is_still_called_by_its_format(name, data):
    assert data not in (JPEG, PNG, WEBP)
    with pytest.raises(
        InvalidImage, match=rf"^The {name} file is damaged, or is a rare variant of the format\. Open it in an image"
    ) as caught:
        read_image(data, LIMITS)
    assert caught.value.code == "invalid-image"


@pytest.mark.parametrize("format", UNSUPPORTED)
def test_unsupported_formats_are_rejected(format):
    data = encode_image("RGBA" if format == "ICNS" else "RGB", format)
    with pytest.raises(UnsupportedFormat, match=r"not supported\. Send a JPEG, PNG, or WebP image"):
        read_image(data, LIMITS)


def test_file_larger_than_the_limit_is_rejected():
    limits = ImageLimits(max_bytes=len(PNG))
    assert read_image(PNG, limits).width == 16
    with pytest.raises(ImageTooLarge, match=rf"too large \({len(PNG) + 1} bytes\)\. The limit is {len(PNG)} bytes\."):
        read_image(PNG + b"x", limits)


def test_messages_about_size_use_human_units():
    with pytest.raises(ImageTooLarge, match=r"^The file is too large \(10\.5 MB\)\. The limit is 10 MB\.$"):
        check_file_size(11_000_000, LIMITS)
    with pytest.raises(ImageTooLarge, match=r"\(10\.1 MB\)"):  # not "10 MB", which is the limit
        check_file_size(LIMITS.max_bytes + 1, LIMITS)
    with pytest.raises(
        InvalidImage, match=r"\(6,000 × 6,000 pixels\)\. The limit is 25 megapixels and 10,000 pixels per side"
    ):
        read_image(make_png_header(6_000, 6_000), LIMITS)


@pytest.mark.parametrize(
    ("data", "content_type"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (WEBP, "image/webp")], ids=["JPEG", "PNG", "WebP"]
)
def test_type_and_size_come_from_the_decoder(data, content_type):
    image = read_image(data, LIMITS)
    assert (image.content_type, image.width, image.height) == (content_type, 16, 16)


def test_data_after_the_end_of_a_png_is_ignored():
    assert read_image(PNG + b"<script>alert(1)</script>", LIMITS).content_type == "image/png"


def test_damaged_jpeg_that_decodes_is_accepted():
    data = bytearray(encode_image("L", "JPEG", quality=95))
    middle = len(data) - 60
    data[middle : middle + 8] = b"\x12" * 8
    assert read_image(bytes(data), LIMITS).width == 16


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("signature", [GRAY, RGB], ids=["grayscale", "rgb"])
def test_every_mode_is_converted_to_the_shape_of_the_signature(mode, signature):
    if mode == "I;16":
        out = BytesIO()
        Image.fromarray(np.full((16, 16), 0x8080, np.uint16)).save(out, "PNG")
        data = out.getvalue()
    else:
        data = encode_image(mode)
    array = to_array(read_image(data, LIMITS).image, signature)
    assert array.shape == signature.shape
    assert array.dtype == np.float32
    assert 0 <= array.min() <= array.max() <= 1
    if mode == "I;16":
        assert np.allclose(array, 0x80 / 255)


def test_inconsistent_palette_is_rejected():
    """The palette has 1 color, the transparency chunk has 300 entries, and the pixels use color 5."""
    header = struct.pack(">IIBBBBB", 16, 16, 8, 3, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x05" * 16 for _ in range(16)))
    parts = [(b"IHDR", header), (b"PLTE", b"\xff\0\0"), (b"tRNS", b"\x80" * 300), (b"IDAT", rows), (b"IEND", b"")]
    data = b"\x89PNG\r\n\x1a\n" + b"".join(make_chunk(*part) for part in parts)
    with pytest.raises(InvalidImage):
        to_array(read_image(data, LIMITS).image, GRAY)


def test_cmyk_jpeg_is_converted_to_rgb():
    array = to_array(read_image(encode_image("CMYK", "JPEG"), LIMITS).image, RGB)
    assert array.shape == (8, 8, 3)


def test_transparent_pixels_are_composited_on_white():
    out = BytesIO()
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(out, "PNG")
    assert np.allclose(to_array(read_image(out.getvalue(), LIMITS).image, GRAY), 1)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation):
    upright = Image.fromarray(np.arange(12 * 12, dtype=np.uint8).reshape(12, 12))
    inverse = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # the transposition that reverts the orientation
    rotated = upright.transpose(Image.Transpose(inverse[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    out = BytesIO()
    rotated.save(out, "PNG", exif=exif)
    signature = ImageInput(height=12, width=12, channels=1, scale="none")
    array = to_array(read_image(out.getvalue(), LIMITS).image, signature)
    assert np.array_equal(array[..., 0], np.asarray(upright))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"scale": "unit"}, 51 / 255),
        ({"scale": "symmetric"}, 51 / 127.5 - 1),
        ({"scale": "none"}, 51),
        ({"scale": "standard", "mean": (0.1,), "std": (0.5,)}, (0.2 - 0.1) / 0.5),
    ],
    ids=lambda value: value.get("scale") if isinstance(value, dict) else "",
)
def test_pixels_are_scaled_as_the_signature_defines(options, expected):
    image = Image.new("L", (8, 8), 51)
    assert np.allclose(to_array(image, ImageInput(8, 8, 1, **options)), expected)


def test_standard_scale_is_applied_per_channel():
    image = Image.new("RGB", (8, 8), (255, 0, 51))
    signature = ImageInput(8, 8, 3, scale="standard", mean=(0.5, 0.0, 0.2), std=(0.5, 1.0, 0.1))
    assert np.allclose(to_array(image, signature)[0, 0], [1, 0, 0], atol=1e-6)


def test_crop_keeps_the_center_and_stretch_the_whole_image():
    image = Image.new("L", (24, 8), 0)
    image.paste(255, (8, 0, 16, 8))
    assert to_array(image, ImageInput(8, 8, 1, resize="crop")).min() == 1
    assert to_array(image, ImageInput(8, 8, 1, resize="stretch")).min() == 0


def test_image_of_the_right_size_is_not_resampled():
    values = np.random.default_rng(3).integers(0, 256, (8, 8), dtype=np.uint8)
    array = to_array(Image.fromarray(values), ImageInput(8, 8, 1, scale="none"))
    assert np.array_equal(array[..., 0], values)


def test_thumbnail_is_small_and_has_no_metadata():
    exif = Image.Exif()
    exif[0x010F] = "A camera"
    out = BytesIO()
    Image.new("RGB", (900, 300), "red").save(out, "JPEG", exif=exif)
    with Image.open(BytesIO(make_thumbnail(out.getvalue(), 256))) as small:
        assert (small.format, small.size, dict(small.getexif())) == ("WEBP", (256, 85), {})
