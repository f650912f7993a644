"""Plain multipart bodies."""

import pytest

from core.api.multipart import split_plain_form

TYPE = "multipart/form-data; boundary=b"
PART = b'Content-Disposition: form-data; name="model"\r\n\r\ndigits'


def build(*parts, end=b"--\r\n"):
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b" + end


def test_texts_and_files_are_returned_by_name():
    data = b"\x89PNG\r\n\x1a\n--b--\r\n"[:8] + b"\r\n-\r\n--c"
    file = b'content-disposition: form-data; name="image"; filename="a (1).png"\r\nContent-Type: image/png\r\n\r\n' + data
    form = split_plain_form(build(file, PART), TYPE)
    assert list(form) == ["image", "model"]
    assert (form["image"].read(), form["image"].name, form["image"].size) == (data, "a (1).png", len(data))
    assert form["model"] == "digits"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (build(PART), "multipart/form-data"),
        (build(PART), "multipart/form-data; boundary=c"),
        (build(PART), "multipart/mixed; boundary=b"),
        (build(PART), f"{TYPE}; charset=utf-8"),
        (build(PART), 'multipart/form-data; boundary="b'),
        (b"", TYPE),
        (build(PART)[:-6], TYPE),
        (build(PART, end=b""), TYPE),
        (build(PART, end=b"--\r\nmore"), TYPE),
        (b"preamble\r\n" + build(PART), TYPE),
        (build(PART, PART), TYPE),
        (build(PART.replace(b"digits", b"digits--b")), TYPE),
        (build(PART.partition(b"\r\n\r\n")[0]), TYPE),
        (build(PART.replace(b"digits", b"\xff")), TYPE),
        (build(PART.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n")), TYPE),
        (build(PART.replace(b"\r\n\r\n", b"\r\n")), TYPE),
        (build(PART.replace(b"form-data", b"attachment")), TYPE),
        (build(PART.replace(b'"model"', b"model")), TYPE),
        (build(PART.replace(b'"model"', b'"mod\xc3\xa9l"')), TYPE),
        (build(PART.replace(b'"model"', b'"model"; filename="a/b.png"')), TYPE),
        (build(PART.replace(b'"model"', b'"model"; filename=".."')), TYPE),
        (build(PART.replace(b'"model"', b'"model"; filename="a&lt;.png"')), TYPE),
        (build(PART.replace(b'"model"', b"\"model\"; filename*=UTF-8''a.png")), TYPE),
        (build(PART).replace(b"--b--", b"--bc--"), TYPE),
    ],
)
def test_all_other_bodies_are_left_to_django(body, content_type):
    assert split_plain_form(body, content_type) is None
