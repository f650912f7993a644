"""Images as base64 inside JSON."""

import base64
from time import perf_counter

import pytest

from core.api.base64_images import decode_image
from inference.errors import InvalidInput
from inference.tests.factories import make_noise_image

pytestmark = pytest.mark.once

DATA = bytes(range(256)) + b"\xfb\xff\xfe"  # contains all characters of both alphabets
STANDARD = base64.b64encode(DATA).decode()
URL_SAFE = base64.urlsafe_b64encode(DATA + b"x").decode()


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (STANDARD, DATA),
        (URL_SAFE, DATA + b"x"),
        (URL_SAFE.rstrip("="), DATA + b"x"),
        (base64.encodebytes(DATA).decode(), DATA),
        (base64.encodebytes(DATA).decode().replace("\n", "\r\n\t"), DATA),
        (f"  {STANDARD}\n", DATA),
        (f"data:image/png;base64,{STANDARD}", DATA),
        (f"DATA:;BASE64,\n{STANDARD}", DATA),
        (f"data:text/html;charset=utf-8;name=a%20b.png;base64,{STANDARD}", DATA),
        ("", b""),
        ("data:image/png;base64,", b""),
        (" " * 2_000_000, b""),
        ("\n" * 2_000_000, b""),
        ("data:;base64," + " " * 2_000_000, b""),
        ("/9j/4AAQ", b"\xff\xd8\xff\xe0\x00\x10"),
    ],
    ids=lambda value: str(value[:30]),
)
def test_base64_is_decoded(text, data):
    started = perf_counter()
    file = decode_image(text)
    assert perf_counter() - started < 1
    assert (file.read(), file.size, file.name) == (data, len(data), None)


@pytest.mark.parametrize(
    ("value", "code", "text"),
    [
        ("https://example.org/cat.png", "not-a-file", "URLs are not fetched"),
        ("http://169.254.169.254/", "not-a-file", "URLs are not fetched"),
        (" HTTP://example.org/", "not-a-file", "URLs are not fetched"),
        ("file:///etc/passwd", "not-a-file", "URLs are not fetched"),
        ("gopher://x", "not-a-file", "URLs are not fetched"),
        ("blob:https://example.org/1", "not-a-file", "URLs are not fetched"),
        ("//example.org/cat.png", "not-a-file", "URLs are not fetched"),
        ("C:\\cat.png", "not-a-file", "URLs are not fetched"),
        ("/etc/passwd", "not-a-file", "not its path"),
        ("/srv/images/cat.png", "not-a-file", "not its path"),
        (None, "not-a-file", "Expected an image"),
        (5, "not-a-file", "Expected an image"),
        ([STANDARD], "not-a-file", "Expected an image"),
        ({"b64": STANDARD}, "not-a-file", "Expected an image"),
        ("cat.png", "not-a-file", "not its path"),
        ("../images/cat", "not-a-file", "not its path"),
        ("~/cat", "not-a-file", "not its path"),
        ("\\\\server\\cat", "not-a-file", "not its path"),
        ("é" * 8, "invalid-base64", "not ASCII"),
        ("\ud800", "invalid-base64", "not ASCII"),
        ("AAAAA", "invalid-base64", "base64"),
        ("AAA==", "invalid-base64", "base64"),
        ("AAA===", "invalid-base64", "base64"),
        ("AA=", "invalid-base64", "base64"),
        ("====", "invalid-base64", "base64"),
        ("=AAA", "invalid-base64", "base64"),
        ("AA==AA==", "invalid-base64", "base64"),
        ("AAAA=", "invalid-base64", "base64"),
        ("AA+A_A==", "invalid-base64", "mixes"),
        ("AA A", "invalid-base64", "spaces"),
        ("AA%2BA", "invalid-base64", "percent"),
        ("%" * 2_000_000, "invalid-base64", "percent"),
        ("AA" + " " * 2_000_000 + "AA", "invalid-base64", "spaces"),
        ("=" * 2_000_000, "invalid-base64", "base64"),
        ("data:" + "," * 2_000_000, "invalid-base64", "data URL"),
        ("data:" + "x" * 2_000_000, "invalid-base64", "data URL"),
        ("data:image/png,AAAA", "invalid-base64", "data URL"),
        ("data:image/png;base64", "invalid-base64", "data URL"),
        ("data:" + "x" * 500 + ";base64,AAAA", "invalid-base64", "data URL"),
        ("data:image/svg+xml;utf8,<svg/>", "invalid-base64", "data URL"),
        ("data:;base64,data:;base64,AAAA", "invalid-base64", "base64"),
        ("b'" + STANDARD + "'", "invalid-base64", "base64"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_values_are_rejected_quickly(value, code, text):
    started = perf_counter()
    with pytest.raises(InvalidInput, match=text) as caught:
        decode_image(value, field="items.3.image")
    assert perf_counter() - started < 1
    assert (caught.value.code, caught.value.field) == (code, "items.3.image")
    assert len(caught.value.message) < 300


def test_an_image_of_random_bytes_survives_each_form():
    data = make_noise_image(4)
    for encode in (base64.b64encode, base64.urlsafe_b64encode, base64.encodebytes):
        assert decode_image(encode(data).decode()).read() == data
