"""Explain why Keras or TensorFlow cannot load a file, in one sentence and with one step that helps."""

from __future__ import annotations

import re

from inference.runtimes.reasons import shorten_reason

UNKNOWN_CLASS = re.compile(
    r"Unknown (?:layer|\w+): '?(?P<a>[\w.>]+)|Could not (?:locate|deserialize) (?:class|function) '(?P<b>[^']+)'"
)
WORD = re.compile(r"[a-zA-Z]{2}")


def explain_load_error(error: BaseException, *, name: str, file_version: str, version: str) -> str:
    """Return why this version of Keras cannot load a file, without the configuration of the network.

    Args:
        name: of the file.
        file_version: of the Keras that wrote the file; empty if unknown.
        version: of the installed Keras.
    """
    writer = f" (written by Keras {file_version})" if file_version else ""
    prefix = f"Keras {version} cannot load {name}{writer}: "
    unknown = UNKNOWN_CLASS.search(str(error))
    if unknown:
        class_name = (unknown["a"] or unknown["b"]).rpartition(">")[2]
        return (
            f"{prefix}it contains {class_name}, which is not one of Keras's own classes. Export the network with "
            "model.export(folder) where the code of the class is available, and register the folder with --trusted. Or "
            "import the class, decorated with @keras.saving.register_keras_serializable(), in a runtime of your own."
        )
    reason = shorten_reason(str(error))
    if not WORD.search(reason):  # such as the key of a KeyError
        reason = f"{type(error).__name__}."
    return prefix + reason + _advise(file_version, version)


def _advise(file_version: str, version: str) -> str:
    if not file_version or file_version.split(".")[:2] == version.split(".")[:2]:
        return (
            " If it can be loaded where it was saved, export the network there with model.export(folder), and register the "
            "folder with --trusted."
        )
    tool = "tf_keras" if file_version.startswith(("1.", "2.")) else f"Keras {file_version}"
    return (
        f" Load the file with {tool}, export the network with model.export(folder), and register the folder with --trusted."
    )
