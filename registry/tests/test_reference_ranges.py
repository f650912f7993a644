"""Reference ranges from model.toml and from background data."""

import pytest

from inference.errors import InvalidSignature
from inference.signature import Feature, Signature, TableInput
from registry.manifest import read_manifest
from registry.services.reference_ranges import complete_reference_ranges

pytestmark = pytest.mark.once
SIGNATURE = Signature(TableInput((Feature("a", quartiles=(1, 2, 3)), Feature("b"), Feature("c", type="text"))))


def test_ranges_are_computed_from_background_data(tmp_path):
    path = tmp_path / "background.csv"
    path.write_text("a;b;c\n" + "".join(f"1;{number},5;x\n" for number in range(21)))
    a, b, c = complete_reference_ranges(SIGNATURE, background=path, examples=()).input.features
    assert a.quartiles == (1, 2, 3)  # declared
    assert (b.quartiles, b.observed) == ((5.5, 10.5, 15.5), (0.5, 20.5))
    assert not c.quartiles
    path.write_text("a;b;c\n1;2;x\n")
    assert not complete_reference_ranges(SIGNATURE, background=path, examples=()).input.features[1].quartiles
    path.write_text("a;c\n1;x\n")
    with pytest.raises(InvalidSignature, match=r"background\.csv"):
        complete_reference_ranges(SIGNATURE, background=path, examples=())


def test_features_of_the_manifest_are_merged_by_name(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"x")
    manifest = tmp_path / "model.toml"
    manifest.write_text(
        'artifact = "m.onnx"\n[features.a]\nunit = "cm"\nquartiles = [1, 2, 3]\n[features.b]\nobserved = [0, 1]\n'
        '[input]\nkind = "tabular"\n[[input.features]]\nname = "a"\nmin = 0\n'
    )
    assert read_manifest(tmp_path).input["features"] == [
        {"name": "a", "min": 0, "unit": "cm", "quartiles": [1, 2, 3]},
        {"name": "b", "observed": [0, 1]},
    ]


@pytest.mark.parametrize(
    "values",
    [{"quartiles": (1, 2)}, {"quartiles": (3, 2, 1)}, {"observed": ("a", 2)}, {"observed": (2, 3), "quartiles": (1, 2, 3)}],
)
def test_invalid_ranges_are_rejected(values):
    with pytest.raises(InvalidSignature):
        Feature("a", **values)
