import pytest
from django.core.exceptions import ValidationError

from core.formatting import format_milliseconds, format_percent
from core.validators import clean_file_name, validate_artifact_path, validate_labels, validate_name


@pytest.mark.parametrize("name", ["digits", "iris-2", "a", "resnet50-v1"])
def test_takes_names(name):
    validate_name(name)


@pytest.mark.parametrize("name", ["", "Digits", "1a", "a_b", "a--b", "a-", "-a", "a b", "a\n", "é", "a/b", ".."])
def test_refuses_names(name):
    with pytest.raises(ValidationError):
        validate_name(name)


@pytest.mark.parametrize("path", ["digits/ab/x.keras", "x.onnx"])
def test_takes_artifact_paths(path):
    validate_artifact_path(path)


@pytest.mark.parametrize("path", ["", "/etc/x", "../x", "a/../../x", "file://x", "gs://b/x", "C:\\x", "a\0"])
def test_refuses_artifact_paths(path):
    with pytest.raises(ValidationError):
        validate_artifact_path(path)


@pytest.mark.parametrize("labels", ["abc", [1, 2], None, [""], ["a\n"], ["a", "a"], ["x" * 101], {"a": 1}])
def test_refuses_labels(labels):
    with pytest.raises(ValidationError):
        validate_labels(labels)


@pytest.mark.parametrize(
    ("sent", "kept"), [(None, ""), ("", ""), ("a\0b.png", "ab.png"), ("a\r\nb", "ab"), ("/", ""), ("x" * 5000, "x" * 255)]
)
def test_cleans_file_names(sent, kept):
    assert clean_file_name(sent) == kept


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "–"), (0.0, "0.0 %"), (0.0001, "< 0.1 %"), (0.9642, "96.4 %"), (0.99996, "> 99.9 %"), (1.0, "100.0 %")],
)
def test_percent_does_not_round_to_certainty(value, shown):
    assert format_percent(value) == shown


def test_milliseconds():
    assert (format_milliseconds(None), format_milliseconds(1234.56)) == ("–", "1,234.6 ms")
