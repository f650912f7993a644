import re
from pathlib import Path

import pytest

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact
from inference.runtimes import detect_runtime, get_runtime


@pytest.mark.parametrize("name", ["nothing", "os.path", "os.path.join", "inference.types.ModelSpec", ""])
def test_invalid_runtime_names_are_rejected(name):
    with pytest.raises(InvalidArtifact):
        get_runtime(name)


def test_runtime_is_detected_by_suffix():
    assert (detect_runtime(Path("a.keras")), detect_runtime(Path("b.dummy.json"))) == ("keras", "dummy")
    with pytest.raises(InvalidArtifact, match=r"ends in \.keras or .*\.skops.* Received: c\.csv"):
        detect_runtime(Path("c.csv"))


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("m.pt", 'torch.onnx.export(model, sample, "model.onnx", dynamo=False'),
        ("m.PTH", "torch.onnx.export"),
        ("m.safetensors", "Load them into their network first"),
        ("m.tflite", 'model.export("model")'),
        ("m.pmml", 'skops.io.dump(model, "model.skops")'),
        ("m.rds", 'xgb.save(model, "model.ubj")'),
        ("m.json", 'model.save_model("model.ubj")'),
        ("labels.txt", "--labels"),
        ("m.tar.gz", "Unpack"),
    ],
)
def test_other_formats_are_rejected_with_the_step_to_take(name, step):
    with pytest.raises(InvalidArtifact, match=re.escape(step)) as caught:
        detect_runtime(Path(name))
    assert caught.value.message.startswith(f"{name} is not supported. ")


def test_runtime_without_load_names_the_missing_method():
    class Empty(BaseRuntime):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must override load\(\)"):
        Empty(Path("none")).load()
