"""Folder names of labels."""

import unicodedata

import pytest

from evaluation.datasets.folder_names import assign_folder_names


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("seven", "seven"), ("Ä", "Ä"), ("a b", "a b"), ("-1", "-1"), ("a/b", "a%2Fb"), ("..", "%2E%2E"),
        (".git", "%2E%67%69%74"), ("CON", "%43%4F%4E"), ("nul.txt", "%6E%75%6C%2E%74%78%74"), ("a:b*", "a%3Ab%2A"),
        ("50%", "50%25"), ("end.", "%65%6E%64%2E"),
        ("\n", "%0A"), ("\\", "%5C"), ("console", "console"), ("é" * 100, "é" * 100),
    ],
)  # fmt: skip
def test_only_unsafe_labels_are_encoded(label, name):
    assert assign_folder_names([label]) == {label: name}


def test_labels_never_share_a_folder_on_any_file_system():
    labels = [
        "x", "X", "%58", "Ä", "ä", "A\u0308", "ß", "SS", "ss", "a/b", "A/B", "a%2Fb", "..", "%2E%2E", "CON", "con",
        "字" * 100,
    ]  # fmt: skip
    names = assign_folder_names(labels)
    assert list(names) == labels
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names.values()}) == len(labels)
    assert max(len(name.encode()) for name in names.values()) <= 255
