"""Multipart bodies that Django's parser would read without some of their parts, or with other texts."""

import pytest
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory

from core.uploadhandler import LONG_HEADERS_MESSAGE, NOT_UTF8_MESSAGE, UNREADABLE_MESSAGE

FIELD = b'Content-Disposition: form-data; name="a"\r\n\r\nb'
FILE = b'Content-Disposition: form-data; name="image"; filename="x.png"\r\n\r\nc'


def parse(*parts, end=b""):
    body = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts) + b"--limit--\r\n" + end
    request = RequestFactory().generic("POST", "/", body, content_type="multipart/form-data; boundary=limit")
    return request.POST, request.FILES


@pytest.mark.parametrize("count", [0, 1, 3])
def test_all_parts_are_read(count):
    texts, files = parse(*[FIELD, FILE] * count, end=b"epilogue")
    assert len(texts.getlist("a")) == len(files.getlist("image")) == count


@pytest.mark.parametrize(
    "part",
    [
        b"\r\nb",
        b"Content-Disposition: form-data\r\n\r\nb",
        b"Content-Disposition\r\n\r\nb",
        b"no headers",
        FILE.replace(b"x.png", b"Gr\xf6\xdfe.png"),
        FILE.replace(b"x.png", b".."),
        FILE.replace(b"x.png", b"folder/"),
        FILE.replace(b'filename="x.png"', b"filename*=idna''a..b"),
        FIELD.replace(b'"a"', b'"\xff"'),
        FIELD + b"--limit x",
    ],
)
def test_a_part_that_cannot_be_read_rejects_the_form(part):
    with pytest.raises(MultiPartParserError) as caught:
        parse(FIELD, part, FILE)
    assert str(caught.value) == UNREADABLE_MESSAGE


@pytest.mark.parametrize(
    ("text", "is_valid"), [("M\ufffdller", True), ("Müller", True), (b"M\xfcller", False), (b"\xff", False)]
)
def test_a_text_is_never_changed(text, is_valid):
    part = FIELD[:-1] + (text if isinstance(text, bytes) else text.encode())
    if is_valid:
        assert parse(part, FILE)[0]["a"] == text
        return
    with pytest.raises(MultiPartParserError) as caught:
        parse(part, FILE)
    assert str(caught.value) == NOT_UTF8_MESSAGE


@pytest.mark.parametrize("name", [b"", b'; filename=""'])
def test_a_file_without_a_name_is_described(name):
    part = FILE.replace(b'; filename="x.png"', name) + b"\x89PNG\xff"
    with pytest.raises(MultiPartParserError, match=r'valid UTF-8.*If the part is a file, .* filename="image.png"'):
        parse(part)


def test_the_limit_of_a_file_name_is_described():
    assert parse(FILE.replace(b"x.png", b"x" * 900))[1]
    with pytest.raises(MultiPartParserError) as caught:
        parse(FILE.replace(b"x.png", b"x" * 5000))
    assert str(caught.value) == LONG_HEADERS_MESSAGE


def test_a_file_that_was_not_chosen_is_an_empty_text():
    texts, files = parse(FILE.replace(b"x.png", b"")[:-1])
    assert (texts["image"], list(files)) == ("", [])
