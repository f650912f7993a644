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
        ("m.tflite", "-m tf2onnx.convert --tflite model.tflite"),
        ("net.pdmodel", "paddle2onnx --model_dir ."),
        ("net.xml", "the ONNX model that the OpenVINO files were made from"),
        ("m.mat", "exportONNXNetwork"),
        ("m.msgpack", "as a SavedModel"),
        ("m.mar", "torch.onnx.export"),
        ("m.pmml", 'skops.io.dump(model, "model.skops")'),
        ("m.rds", 'xgb.save(model, "model.ubj")'),
        ("m.json", 'model.save_model("model.ubj")'),
        ("labels.txt", "--labels"),
        ("m.tar.gz", "Unpack"),
        ("m.torchscript", "torch.onnx.export"),
        ("m.plan", "Register the .onnx file"),
    ],
)
def test_other_formats_are_rejected_with_the_step_to_take(name, step):
    with pytest.raises(InvalidArtifact, match=re.escape(step)) as caught:
        detect_runtime(Path(name))
    assert caught.value.message.startswith(f"{name} is not supported. ")


@pytest.mark.parametrize(
    ("start", "step"),
    [
        (b"\x80\x04\x95", "Its content is a pickle. Rename the file to model.pkl, and register it with --trusted."),
        (b"\x78\x9c\x00", "Its content is a pickle."),
        (b"\x89HDF\r\n", "rename the file to model.h5"),
        (b"tree\nversion=v4", "Rename the file to model.txt."),
        (b"{L\x00\x00", "Rename the file to model.ubj."),
        (b"CBM1", "Rename the file to model.cbm."),
        (b"PK\x03\x04", "to model.keras if Keras saved it, or to model.skops"),
        (b"other", "Expected a model file that ends in"),
        (b"", "Expected a model file that ends in"),
    ],
)
def test_content_of_a_file_without_a_known_suffix_is_named(tmp_path, start, step):
    (tmp_path / "finalized.mdl").write_bytes(start)
    with pytest.raises(InvalidArtifact, match=re.escape(step)):
        detect_runtime(tmp_path / "finalized.mdl")


@pytest.mark.parametrize(
    ("name", "start", "step"),
    [
        ("weka.model", b"\xac\xed\x00\x05sr", "It is a Java object, such as a model of Weka."),
        ("cooking.bin", b"\xba\x16\x4f\x2f\x0c", "It is a model of fastText."),
        ("old.model", b"\x00", "It is not a model in a current format of XGBoost or LightGBM."),
    ],
)
def test_content_of_a_file_with_a_common_suffix_is_named(tmp_path, name, start, step):
    (tmp_path / name).write_bytes(start)
    with pytest.raises(InvalidArtifact, match=re.escape(f"{name} is not supported. {step}")):
        detect_runtime(tmp_path / name)


@pytest.mark.parametrize(
    ("files", "step"),
    [
        (["config.json", "model.safetensors", "preprocessor_config.json"], 'input_names=["pixel_values"]'),
        (["config.json", "tokenizer_config.json", "model.safetensors"], "mlflow.transformers.save_model"),
        (["model.json", "group1-shard1of1.bin"], 'model.export("model")'),
        (["checkpoint", "model.index"], "Load them into their network first"),
        (["Manifest.json"], "torch.onnx.export"),
        (["config.cfg", "meta.json"], "It seems to be a pipeline of spaCy. Call it from Python"),
        (["config.json", "task.json"], 'task.save("model.keras")'),
        (["other.data"], "write a runtime of your own"),
    ],
)
def test_other_folders_are_rejected_with_the_step_to_take(tmp_path, files, step):
    for file in files:
        (tmp_path / file).touch()
    with pytest.raises(InvalidArtifact, match=re.escape(step)):
        detect_runtime(tmp_path)


def test_runtime_without_load_names_the_missing_method():
    class Empty(BaseRuntime):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must override load\(\)"):
        Empty(Path("none")).load()
