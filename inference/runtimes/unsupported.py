"""File formats that are not supported, each with the step that turns the model into a format that is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

SAVEDMODEL_STEP = (
    'Export the original model as a SavedModel with model.export("model"), and register the folder model with --trusted'
)
PYTORCH_STEP = (
    'Export the model to ONNX: model.eval(); torch.onnx.export(model, sample, "model.onnx", dynamo=False, '
    'input_names=["input"], dynamic_axes={"input": {0: "batch"}}), where sample is a batch of one input. Then register '
    "model.onnx"
)
BOOSTER_STEP = (
    'XGBoost: load it with the version that wrote it, and save it with model.save_model("model.ubj"). LightGBM: '
    'booster.save_model("model.txt")'
)
DILL_STEP = "It was saved with dill. Move your own code to a module, and save the model with joblib.dump"
PICKLE_STEP = "Its content is a pickle. Rename the file to model.pkl, and register it with --trusted"
OWN_RUNTIME_STEP = "write a runtime of your own: docs/register.md, Add a runtime"
TFLITE_STEP = (
    "Convert it to ONNX: .venv/bin/python -m tf2onnx.convert --tflite model.tflite --output model.onnx. If that fails, or "
    'if the model returns integers, export the original model with model.export("model"), and register the folder model '
    "with --trusted"
)
PADDLE_STEP = (
    "Convert it to ONNX: pip install paddle2onnx, then paddle2onnx --model_dir . --model_filename model.pdmodel "
    "--params_filename model.pdiparams --save_file model.onnx"
)
OPENVINO_STEP = "Register the ONNX model that the OpenVINO files were made from, or export the original model to ONNX"
HUGGING_FACE_STEP = (
    'Export it to ONNX, for images with torch.onnx.export(model, sample, "model.onnx", dynamo=False, '
    'input_names=["pixel_values"], output_names=["logits"], dynamic_axes={"pixel_values": {0: "batch"}}). Describe '
    "preprocessor_config.json and id2label of config.json in model.toml: docs/formats.md, Hugging Face"
)
# What to do, by suffix. The sentence names the format first.
STEPS = {
    ".pt": f"PyTorch files contain code, and do not describe their inputs. {PYTORCH_STEP}",
    ".torchscript": f"PyTorch files contain code, and do not describe their inputs. {PYTORCH_STEP}",
    ".ptl": f"PyTorch files contain code, and do not describe their inputs. {PYTORCH_STEP}",
    ".pt2": f"PyTorch files contain code, and do not describe their inputs. {PYTORCH_STEP}",
    ".pth": f"PyTorch files contain code, and do not describe their inputs. {PYTORCH_STEP}",
    ".ckpt": f"Checkpoints contain weights without a network. Load them into their network first. {PYTORCH_STEP}",
    ".safetensors": f"safetensors files contain only weights. Load them into their network first. {PYTORCH_STEP}",
    ".bin": f"The content of .bin files is not defined. PyTorch: load the weights first. {PYTORCH_STEP}. {BOOSTER_STEP}",
    ".tflite": f"TensorFlow Lite files are for mobile and embedded devices. {TFLITE_STEP}",
    ".lite": f"TensorFlow Lite files are for mobile and embedded devices. {TFLITE_STEP}",
    ".mar": f"It is an archive of TorchServe. Load the PyTorch model that it was made from. {PYTORCH_STEP}",
    ".t7": f"Models of Lua Torch are not supported. Load it in PyTorch. {PYTORCH_STEP}",
    ".msgpack": (
        "Flax files contain only weights. Export the network with its weights as a SavedModel, with jax2tf or orbax.export, "
        "and register its folder with --trusted"
    ),
    ".pdmodel": f"PaddlePaddle files are not supported. {PADDLE_STEP}",
    ".pdiparams": f"PaddlePaddle files are not supported. {PADDLE_STEP}",
    ".pdparams": (
        "PaddlePaddle files with parameters contain only weights. Load them into their network, and save it with "
        f"paddle.jit.save. {PADDLE_STEP}"
    ),
    ".xml": (
        f"If it is a model of OpenVINO: {OPENVINO_STEP}. If it is PMML of a scikit-learn model: save the model with "
        'skops.io.dump(model, "model.skops")'
    ),
    ".pfa": f"PFA is not supported. Save the model in its own library, or call it from Python: {OWN_RUNTIME_STEP}",
    ".mat": 'MATLAB files are not supported. Export the network to ONNX: exportONNXNetwork(net, "model.onnx")',
    ".vw": f"Models of Vowpal Wabbit are not supported. Call it from Python: {OWN_RUNTIME_STEP}",
    ".ftz": f"Models of fastText are not supported. Call it from Python: {OWN_RUNTIME_STEP}",
    ".pb": (
        "A .pb file alone has no variables. If it is called saved_model.pb, register the folder that contains it with "
        f"--trusted. Otherwise: {SAVEDMODEL_STEP[0].lower()}{SAVEDMODEL_STEP[1:]}"
    ),
    ".pmml": (
        "PMML is not supported. If the model comes from scikit-learn, register it as a .skops file: "
        'skops.io.dump(model, "model.skops")'
    ),
    ".mlmodel": (
        "Core ML files are for Apple devices. Export the original model to ONNX, with skl2onnx.to_onnx(model, X[:1]) for "
        "scikit-learn or torch.onnx.export for PyTorch"
    ),
    ".ort": "It is optimized for one version of ONNX Runtime. Register the .onnx file that it was made from",
    ".engine": "TensorRT engines run only on the GPU that they were made for. Register the .onnx file that it was made from",
    ".plan": "TensorRT engines run only on the GPU that they were made for. Register the .onnx file that it was made from",
    ".mojo": f"H2O models are not supported. Call the model from Python: {OWN_RUNTIME_STEP}",
    ".rds": (
        'R objects are not supported. XGBoost in R: xgb.save(model, "model.ubj"). LightGBM in R: '
        'lgb.save(model, "model.txt"). CatBoost in R: catboost.save_model(model, "model.cbm")'
    ),
    ".rdata": 'R workspaces are not supported. Save the model alone, for example with xgb.save(model, "model.ubj")',
    ".gguf": "Language models are not supported. mlsite serves models that take images, rows of features, or one text",
    ".npz": (
        "NumPy archives contain arrays without a model. Save the model itself, for example with skops.io.dump(model, "
        '"model.skops"), or write a runtime of your own: docs/register.md, Add a runtime'
    ),
    ".npy": "NumPy files contain an array without a model. Save the model itself, for example as model.skops",
    ".json": (
        'It is not a model of XGBoost. Keras networks in JSON have no weights: use model.save("model.keras"). '
        f'{BOOSTER_STEP}. CatBoost: model.save_model("model.cbm")'
    ),
    ".txt": f"It is not a model of LightGBM. Pass a file with labels as --labels. {BOOSTER_STEP}",
    ".model": (
        f"It is not a model in a current format of XGBoost or LightGBM. {BOOSTER_STEP}. If it is a pickle, rename the file "
        "to model.pkl"
    ),
    ".bst": f"It is not a model in a current format of XGBoost or LightGBM. {BOOSTER_STEP}",
    ".sav": "The content of .sav files is not defined. If it is a pickle, rename the file to model.pkl",
    ".p": "The content of .p files is not defined. If it is a pickle, rename the file to model.pkl",
    ".dill": DILL_STEP,
    ".py": "It contains source code. Run it, save the fitted model to a file, and register that file",
    ".ipynb": "It contains source code. Run it, save the fitted model to a file, and register that file",
    ".onnx.data": (
        "It contains only the weights of an ONNX model. Save both in one file: "
        'onnx.save(onnx.load("model.onnx"), "complete.onnx"), and register complete.onnx'
    ),
    ".zip": "Unpack the archive, and register the model file or the folder in it",
    ".gz": "Unpack the file, and register the model file in it",
    ".bz2": "Unpack the file, and register the model file in it",
    ".xz": "Unpack the file, and register the model file in it",
    ".tgz": "Unpack the archive, and register the model file or the folder in it",
    ".tar": "Unpack the archive, and register the model file or the folder in it",
}

ZIP_HEADER = b"PK\x03\x04"
FASTTEXT_HEADER = b"\xba\x16\x4f\x2f"
JAVA_HEADER = b"\xac\xed\x00\x05"
DISTINCT_HEADERS = (FASTTEXT_HEADER, JAVA_HEADER)  # of files with any suffix, such as .bin and .model
TORCH_ENTRIES = (b"/data.pkl", b"/data/0")  # one of them is the first file in the ZIP archives of torch.save
MAX_ENTRY_NAME = 256  # bytes
TORCH_STEP = f"It was saved by PyTorch. {PYTORCH_STEP}. The network of a fastai learner is learn.model"

# What to do, by the beginning of a file whose suffix shows nothing.
CONTENT_STEPS = {
    FASTTEXT_HEADER: f"It is a model of fastText. Call it from Python: {OWN_RUNTIME_STEP}",
    JAVA_HEADER: (
        "It is a Java object, such as a model of Weka. Train the model with scikit-learn or XGBoost, or call it from "
        f"Python: {OWN_RUNTIME_STEP}"
    ),
    b"\x80\x02": PICKLE_STEP,
    b"\x80\x03": PICKLE_STEP,
    b"\x80\x04": PICKLE_STEP,
    b"\x80\x05": PICKLE_STEP,
    b"\x78\x01": PICKLE_STEP,  # zlib and lzma: as joblib compresses
    b"\x78\x5e": PICKLE_STEP,
    b"\x78\x9c": PICKLE_STEP,
    b"\x78\xda": PICKLE_STEP,
    b"\x5d\x00": PICKLE_STEP,
    b"\x89HDF": "Its content is HDF5. If it is a Keras network, rename the file to model.h5, and register it with --trusted",
    b"tree\n": "Its content is a model of LightGBM. Rename the file to model.txt",
    b"{L": "It seems to be a model of XGBoost. Rename the file to model.ubj",
    b"CBM1": "Its content is a model of CatBoost. Rename the file to model.cbm",
    ZIP_HEADER: (
        "Its content is a ZIP archive. Rename the file to model.keras if Keras saved it, or to model.skops if skops saved "
        "it. Otherwise, unpack it, and register the model file in it"
    ),
}

# What to do, by a file in the folder. More specific files come first.
FOLDER_STEPS = {
    "task.json": f'It is a preset of KerasHub. Save its network: task.save("model.keras"), or: {SAVEDMODEL_STEP}',
    "preprocessor_config.json": f"It is an image model of Hugging Face. {HUGGING_FACE_STEP}",
    "tokenizer_config.json": (
        "It is a language model of Hugging Face. If it takes one text and predicts a label or a number, save it with "
        "mlflow.transformers.save_model and a signature, install transformers and torch into .venv, and register the folder "
        "with --trusted"
    ),
    "config.json": f"It seems to be a model of Hugging Face. {HUGGING_FACE_STEP}",
    "config.cfg": f"It seems to be a pipeline of spaCy. Call it from Python: {OWN_RUNTIME_STEP}",
    "predictor.pkl": f"It seems to be a predictor of AutoGluon. Call it from Python: {OWN_RUNTIME_STEP}",
    "modules.json": (
        "It is a model of sentence-transformers, which returns embeddings. To serve a classifier that uses them, "
        f"{OWN_RUNTIME_STEP}"
    ),
    "inference.pdmodel": f"It is a model of PaddlePaddle. {PADDLE_STEP}",
    "inference.json": f"It is a model of PaddlePaddle. {PADDLE_STEP}",
    "openvino_model.xml": f"It is a model of OpenVINO. {OPENVINO_STEP}",
    "adapter_config.json": "It is an adapter without its model. Merge it into the model with merge_and_unload()",
    "model.ini": f"H2O models are not supported. Call the model from Python: {OWN_RUNTIME_STEP}",
    "model.json": f"TensorFlow.js files are for browsers. {SAVEDMODEL_STEP}",
    "checkpoint": f"Checkpoints contain weights without a network. Load them into their network first. {SAVEDMODEL_STEP}",
    "Manifest.json": f"Core ML files are for Apple devices. {PYTORCH_STEP}",
    "stages": (
        "Models of Spark need a Spark session. Train the model with scikit-learn or XGBoost, or call it from Python: "
        f"{OWN_RUNTIME_STEP}"
    ),
}


def find_step(path: Path) -> str:
    """Return why a file or folder is not supported and what to do instead, or an empty string."""
    name = path.name.lower()
    found = _find_content_step(path, DISTINCT_HEADERS) if path.is_file() else ""
    found = found or next((step for suffix, step in STEPS.items() if name.endswith(suffix)), "")
    found = found or next((step for file, step in FOLDER_STEPS.items() if (path / file).exists()), "")
    return found or (_find_content_step(path, CONTENT_STEPS) if path.is_file() else "")


def is_torch_archive(data: bytes) -> bool:
    """Return whether a file begins as those of `torch.save` and `torch.jit.save` do."""
    return data.startswith(ZIP_HEADER) and any(entry in data[:MAX_ENTRY_NAME] for entry in TORCH_ENTRIES)


def _find_content_step(path: Path, prefixes: Iterable[bytes]) -> str:
    with path.open("rb") as file:
        start = file.read(MAX_ENTRY_NAME)
    if is_torch_archive(start) and ZIP_HEADER in prefixes:
        return TORCH_STEP
    return next((CONTENT_STEPS[prefix] for prefix in prefixes if start.startswith(prefix)), "")
