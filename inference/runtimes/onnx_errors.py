"""Explain why ONNX Runtime cannot load a file, with the step that helps."""

from __future__ import annotations

import re

EXTERNAL_WEIGHTS = re.compile("external data|TensorProto", re.IGNORECASE)
MISSING_LOCALE = re.compile(r"construct locale with name:\s*([\w.-]+?):")
MISSING_OPERATOR = re.compile(r"([\w.]+:\w+)\(-?\d+\) is not a registered function/op")
MISSING_TYPE = re.compile(r"NOT_IMPLEMENTED.*Could not find an implementation for ([\w.:]+)\(\d+\)", re.DOTALL)
NEWER_VERSION = re.compile(r"IR version|Opset \d+ is under development")


def explain_load_error(message: str, *, name: str, version: str) -> str:
    """Return the error for a file that cannot be loaded.

    Args:
        message: of ONNX Runtime.
        name: of the file.
        version: of ONNX Runtime.
    """
    if EXTERNAL_WEIGHTS.search(message):
        return (
            f"{name} must contain all of its weights. It refers to other files (external data), which are not opened. Save "
            "it as a single file: onnx.save(onnx.load(path), path), or with PyTorch "
            "torch.onnx.export(…, external_data=False)."
        )
    if match := MISSING_LOCALE.search(message):
        return (
            f"{name} changes the case of text with the locale {match[1]}, which is not installed. Install it (on Debian: "
            f"apt-get install locales && localedef -i {match[1].partition('.')[0]} -f UTF-8 {match[1]}), or convert the "
            "model again with lowercase=False in its vectorizer."
        )
    if explained := _explain_operator(message, name=name, version=version):
        return explained
    if NEWER_VERSION.search(message):
        return (
            f"{name} was saved for a newer version of ONNX than ONNX Runtime {version} supports. Export it again with an "
            "older one, such as opset_version=17 in PyTorch or target_opset=17 in skl2onnx."
        )
    return f"onnxruntime {version} cannot load {name}. The file may be incomplete or not an ONNX model. {message}"


def _explain_operator(message: str, *, name: str, version: str) -> str:
    """Return the error for an operator that ONNX Runtime cannot run, or an empty string."""
    if match := MISSING_OPERATOR.search(message):
        return (
            f"{name} contains the operator {match[1]}, which ONNX Runtime {version} does not have. Export the model again "
            "with the standard operators of ONNX only, or register the original model."
        )
    if match := MISSING_TYPE.search(message):
        return (
            f"{name} runs {match[1]} with a type of numbers for which ONNX Runtime {version} has no implementation, such as "
            "double. Convert the model to float32 before the export, with PyTorch model.float(), and export it again."
        )
    if "ZipMap" in message:
        return (
            f"{name} contains a ZipMap that ONNX Runtime cannot run, as for a multi-label model. Convert the model again "
            'without it: to_onnx(model, X[:1], options={"zipmap": False}).'
        )
    return ""
