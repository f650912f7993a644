import pytest

from inference.errors import InvalidSignature
from inference.signature import ClassesOutput, ImageInput, Signature

FULL = {
    "input": {
        "kind": "image",
        "height": 28,
        "width": 20,
        "channels": 3,
        "scale": "standard",
        "mean": [0.5] * 3,
        "std": [0.2] * 3,
    },
    "output": {"kind": "classes", "activation": "softmax"},
}


def test_signature_round_trips_through_json():
    signature = Signature.from_dict(FULL)
    assert signature.input == ImageInput(28, 20, 3, "standard", (0.5,) * 3, (0.2,) * 3)
    assert signature.output == ClassesOutput("softmax")
    assert Signature.from_dict(signature.to_dict()) == signature


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "sound"}, "kind to be one of image, tabular, text, image-tabular. Received: 'sound'"),
        ({"height": 0}, "1 to 4096 pixels"),
        ({"height": None}, "1 to 4096 pixels"),
        ({"channels": 2}, "Received: 2"),
        ({"scale": "log"}, "scale to be one of"),
        ({"mean": [0.5]}, "Expected 3 numbers in mean"),
        ({"mean": ["a", "b", "c"]}, "Expected numbers in mean and std"),
        ({"std": [float("nan")] * 3}, "Expected numbers in mean and std"),
        ({"std": [0.1, 0, 0.1]}, "none of them 0"),
        ({"scale": "unit"}, "Expected no mean and no std"),
        ({"hight": 28}, "Received: .'hight'"),
    ],
)
def test_invalid_signatures_are_rejected(change, message):
    with pytest.raises(InvalidSignature, match=message):
        Signature.from_dict({**FULL, "input": {**FULL["input"], **change}})


def test_missing_size_is_rejected():
    with pytest.raises(InvalidSignature, match="width"):
        Signature.from_dict({"input": {"kind": "image", "height": 28}})
