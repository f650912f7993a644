"""Labels in files: indices before the names, and repeated names."""

import pytest

from inference.errors import InvalidSignature
from inference.signature.infer.labels import number_repeated_labels
from registry.labels import read_labels
from registry.manifest import read_manifest


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("0 dog\n1 cat\n", ["dog", "cat"]),
        ("\ufeff0 big dog\r\n1 cat\r\n\r\n", ["big dog", "cat"]),
        ("1 dog\n2 cat\n", ["1 dog", "2 cat"]),
        ("0 legs\n1 legs\n", ["0 legs", "1 legs"]),
        ("0 dog\ncat\n", ["0 dog", "cat"]),
        ("0\n1\n", ["0", "1"]),
    ],
)
def test_indices_are_removed_if_every_line_begins_with_its_index(tmp_path, text, labels):
    path = tmp_path / "labels.txt"
    path.write_text(text, encoding="utf-8")
    names, notices = read_labels(path)
    assert names == labels
    assert bool(notices) == (names == ["dog", "cat"] or names == ["big dog", "cat"])


def test_repeated_names_in_a_long_list_are_numbered(tmp_path):
    names = [f"class {index}" for index in range(100)]
    names[3] = names[50] = names[70] = "crane"
    numbered, notices = number_repeated_labels(names)
    assert [numbered[index] for index in (3, 50, 70)] == ["crane", "crane (2)", "crane (3)"]
    assert notices == ["labels: crane (2), crane (3), because labels must be unique and these names are repeated."]
    assert number_repeated_labels(["cat", "dog", "cat"]) == (["cat", "dog", "cat"], [])
    (tmp_path / "labels.txt").write_text("\n".join(names))
    (tmp_path / "model.onnx").write_bytes(b"x")
    manifest = read_manifest(tmp_path / "model.onnx", labels=tmp_path / "labels.txt")
    assert (manifest.labels, list(manifest.notices)) == (numbered, notices)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ('artifact = "scaler.txt"', r"Expected \[preprocess\] artifact to be a transformer of scikit-learn: \.skops or"),
        ('file = "scaler.skops"', "Expected .preprocess. artifact"),
        ('artifact = "missing.skops"', r"There is no missing\.skops"),
        ('artifact = "../scaler.skops"', r"Expected the artifact of \[preprocess\] to be a file or folder inside"),
    ],
)
def test_invalid_preprocess_tables_are_rejected(tmp_path, table, message):
    (tmp_path / "net.keras").write_bytes(b"x")
    (tmp_path / "model.toml").write_text(f'artifact = "net.keras"\n[preprocess]\n{table}\n')
    with pytest.raises(InvalidSignature, match=message):
        read_manifest(tmp_path)


def test_a_file_without_labels_is_rejected(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("\n  \n")
    with pytest.raises(InvalidSignature, match=r"labels\.txt contains no labels\. Write one label per line"):
        read_labels(path)
