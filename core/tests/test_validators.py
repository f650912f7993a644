import re
import unicodedata

import pytest
from django.core.exceptions import ValidationError
from hypothesis import example, given
from hypothesis import strategies as st

from core.validators import (
    MAX_FILE_NAME_CHARACTERS,
    clean_file_name,
    remove_control_characters,
    validate_artifact_path,
    validate_labels,
    validate_name,
)

pytestmark = pytest.mark.once


@pytest.mark.parametrize("name", ["digits", "iris-2", "a", "resnet50-v1"])
def test_valid_names_are_accepted(name):
    validate_name(name)


@pytest.mark.parametrize("name", ["", "Digits", "1a", "a_b", "a--b", "a-", "-a", "a b", "a\n", "é", "a/b", ".."])
def test_invalid_names_are_rejected(name):
    with pytest.raises(ValidationError):
        validate_name(name)


@pytest.mark.parametrize("path", ["digits/ab/x.keras", "x.onnx"])
def test_relative_paths_are_accepted(path):
    validate_artifact_path(path)


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../../x", "file://x", "gs://b/x", "C:\\x", "a\0"])
def test_paths_outside_the_folder_are_rejected(path):
    with pytest.raises(ValidationError):
        validate_artifact_path(path)


@pytest.mark.parametrize("labels", [["cat", "dog"], ["می\u200cخواهم"], ["\U0001f469\u200d\U0001f467"]])
def test_labels_of_all_scripts_are_accepted(labels):
    validate_labels(labels)


@pytest.mark.parametrize(
    "labels", ["abc", [1, 2], None, [""], ["a\n"], ["a", "a"], ["x" * 101], {"a": 1}, ["\u200d"], ["a\u202eb"]]
)
def test_invalid_labels_are_rejected(labels):
    with pytest.raises(ValidationError):
        validate_labels(labels)


@pytest.mark.parametrize(
    ("name", "cleaned"), [(None, ""), ("", ""), ("a\0b.png", "ab.png"), ("a\r\nb", "ab"), ("/", ""), ("x" * 5000, "x" * 255)]
)
def test_file_names_are_cleaned(name, cleaned):
    assert clean_file_name(name) == cleaned


@given(st.text("ab .é\u200b\ud800\0\t\n\x1f\x7f\x85/\\", max_size=30), st.sampled_from([1, 300]))
@example("\x7f", 1)
@example(" a b ", 300)
def test_file_names_of_ascii_are_cleaned_like_all_others(name, count):
    name *= count
    base = re.split(r"[/\\]", name)[-1]
    visible = "".join(char for char in base if unicodedata.category(char)[0] != "C")
    assert clean_file_name(name) == visible.strip()[:MAX_FILE_NAME_CHARACTERS]
    assert len(clean_file_name(name)) <= MAX_FILE_NAME_CHARACTERS


@pytest.mark.parametrize(("keep", "cleaned"), [("", "ab é"), ("\n\t", "a\t\nb é")])
def test_control_characters_are_removed(keep, cleaned):
    assert remove_control_characters("a\0\t\r\n\x85b\x7f é", keep=keep) == cleaned
