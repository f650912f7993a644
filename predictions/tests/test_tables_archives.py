"""Archives are read member by member, and a hostile archive costs neither memory nor files."""

import io
import struct
import zipfile
from contextlib import suppress

import pytest

from inference.errors import InvalidInput
from inference.tests.factories import make_image
from predictions.tables.archives import MAX_DIRECTORY_BYTES, MAX_FOLDERS, ArchiveFile
from predictions.tests.batch_jobs import make_zip

pytestmark = pytest.mark.once
IMAGE = make_image(9)
MAX_BYTES = 10_000
END = b"PK\x05\x06"


def open_archive(data, max_members=100):
    return ArchiveFile(io.BytesIO(data), size=len(data), max_members=max_members)


def read_all(data):
    """Return the bytes or the code of the error of each member by name."""
    archive, results = open_archive(data), {}
    for member in archive.members:
        try:
            results[member.name] = archive.read(member, max_bytes=MAX_BYTES).read()
        except InvalidInput as error:
            results[member.name] = error.code
    return results


def patch_central(data, offset, pattern, value):
    """Change a field of all entries of the table of contents."""
    changed = bytearray(data)
    position = changed.find(b"PK\x01\x02")
    while position >= 0:
        struct.pack_into(pattern, changed, position + offset, value)
        position = changed.find(b"PK\x01\x02", position + 1)
    return bytes(changed)


def test_images_in_folders_are_read_and_hidden_files_are_ignored():
    data = make_zip(
        {
            "a/b/1.png": IMAGE, "a/": b"", "__MACOSX/a/._1.png": b"x", ".DS_Store": b"x", "a/.hidden/2.png": b"x",
            "Thumbs.db": b"x", "c\\d\\3.JPG": IMAGE,
        }
    )  # fmt: skip
    assert read_all(data) == {"a/b/1.png": IMAGE, "c/d/3.JPG": IMAGE}


def test_absurd_names_are_only_displayed(tmp_path):
    names = [
        "../../etc/1.png",
        "/etc/2.png",
        "C:\\x\\3.png",
        "a\x00/4.png",
        "\u202e5.png",
        "x" * 5000 + ".png",
        "..",
        "=1.png",
    ]
    results = read_all(make_zip(dict.fromkeys(names, IMAGE)))
    assert list(results)[:3] == ["etc/1.png", "etc/2.png", "C:/x/3.png"]
    assert all(value == IMAGE for value in results.values())
    assert all(len(name) <= 255 and name.isprintable() for name in results)
    assert not list(tmp_path.iterdir())


def test_members_that_are_not_images_are_rejected_one_by_one():
    damaged = bytearray(make_zip({"a.png": IMAGE, "b.png": IMAGE[::-1]}, compression=zipfile.ZIP_STORED))
    damaged[damaged.find(IMAGE) + 20] ^= 1
    assert read_all(bytes(damaged)) == {"a.png": "damaged-file", "b.png": IMAGE[::-1]}
    assert read_all(make_zip({"a.png": IMAGE, "b.zip": b"PK", "c.png": b"0" * 10_001, "d.png": b"0" * 10_000})) == {
        "a.png": IMAGE,
        "b.zip": "nested-archive",
        "c.png": "file-too-large",
        "d.png": b"0" * 10_000,
    }
    packed = make_zip({"a.png": IMAGE}, compression=zipfile.ZIP_LZMA)
    assert read_all(packed) == {"a.png": "unsupported-compression"}


def test_a_size_that_is_wrong_in_the_header_does_not_expand_more():
    bomb = make_zip({"a.png": b"0" * 1_000_000})
    assert read_all(patch_central(bomb, 24, "<L", 100))["a.png"] == "damaged-file"
    assert read_all(patch_central(make_zip({"a.png": IMAGE}), 24, "<L", 9_000))["a.png"] in (IMAGE, "damaged-file")


def test_encrypted_members_are_named():
    data = make_zip({"a.png": IMAGE, "b.png": IMAGE})
    encrypted = bytearray(data)
    struct.pack_into("<H", encrypted, encrypted.find(b"PK\x01\x02") + 8, 1)
    assert read_all(bytes(encrypted)) == {"a.png": "encrypted", "b.png": IMAGE}
    with pytest.raises(InvalidInput, match="The archive is encrypted"):
        open_archive(patch_central(data, 8, "<H", 1))


def make_overlap():
    """Return an archive whose two members are the same bytes."""
    data = make_zip({"a.png": IMAGE, "b.png": IMAGE}, compression=zipfile.ZIP_STORED)
    return patch_central(data, 42, "<L", 0)


def make_bomb():
    return make_zip({f"{n}.png": b"0" * 4_000_000 for n in range(20)})


def make_zip64():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive, archive.open("a.png", "w", force_zip64=True) as member:
        member.write(IMAGE)
    return file.getvalue()


def test_zip64_is_read():
    assert read_all(make_zip64()) == {"a.png": IMAGE}


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"", "invalid-archive", "not a complete ZIP archive"),
        (b"PK\x03\x04" + b"x" * 99, "invalid-archive", "not a complete ZIP archive"),
        (make_zip({"a.png": IMAGE})[:-30], "invalid-archive", "not a complete ZIP archive"),
        (make_zip({}), "no-images", "The archive contains no images. It is empty."),
        (make_zip({"a.txt": b"x", "b/": b""}), "no-images", "It contains a.txt."),
        (make_zip({"[Content_Types].xml": b"x", "a.png": IMAGE}), "invalid-archive", "Excel workbook"),
        (make_overlap(), "archive-bomb", "overlap"),
        (make_bomb(), "archive-bomb", "expands to 76.2 MB"),
        (make_zip({f"{n}.png": b"" for n in range(101)}), "too-many-items", "101 files. The limit is 100."),
    ],
    ids=lambda value: value if isinstance(value, str) else "data",  # the bytes contain the time
)
def test_what_is_not_an_archive_of_images_is_rejected(data, code, message):
    with pytest.raises(InvalidInput) as caught:
        open_archive(data)
    assert (caught.value.code, message in caught.value.message) == (code, True), caught.value.message


def claim_huge_directory():
    """Return an archive that states that its table of contents is huge."""
    data = bytearray(make_zip({"a.png": IMAGE}))
    struct.pack_into("<L", data, data.rfind(END) + 12, 2**31)
    return bytes(data)


def hide_huge_directory(comment=b""):
    """Return a ZIP64 archive with two end records: a small one at the stated position, and that which `zipfile` reads."""
    pattern = "<4sQ2H2L4Q"
    folder = struct.pack("<4s6H3L5H2L", b"PK\1\2", *[0] * 9, 1, 0, len(comment), *[0] * 4) + b"/" + comment
    directory = folder * (MAX_DIRECTORY_BYTES // len(folder) + 1)
    small = struct.pack(pattern, b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, 47, 0)
    record = struct.pack(pattern, b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, len(directory), len(small))
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1)
    return small + directory + record + locator + struct.pack("<4s4H2LH", END, 0, 0, 1, 1, 47, 2**32 - 1, 0)


@pytest.mark.parametrize(
    ("make_data", "code"),
    [
        (claim_huge_directory, "invalid-archive"),
        (hide_huge_directory, "too-many-items"),
        (lambda: hide_huge_directory(bytes(65_535)), "too-many-items"),
        (lambda: make_zip({f"{n}/": b"" for n in range(MAX_FOLDERS + 201)}), "too-many-items"),
    ],
    ids=["size", "zip64", "comments", "folders"],
)
def test_a_huge_table_of_contents_is_not_read(make_data, code):
    with pytest.raises(InvalidInput) as caught:
        open_archive(make_data())
    assert caught.value.code == code


@pytest.mark.parametrize("position", range(0, 200, 7))
def test_random_damage_is_never_an_unexpected_error(position):
    good = make_zip({"a.png": IMAGE, "b.png": IMAGE})
    for value in (0, 255, 80):
        data = bytearray(good)
        data[-position - 1] = value
        with suppress(InvalidInput):
            read_all(bytes(data))
