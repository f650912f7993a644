"""The versions of the libraries that models depend on."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version

DISTRIBUTIONS = {  # by the name of the module
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "mlflow": "mlflow-skinny",
    "numpy": "numpy",
    "onnxruntime": "onnxruntime",
    "pandas": "pandas",
    "PIL": "pillow",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "skops": "skops",
    "tensorflow": "tensorflow",
    "xgboost": "xgboost",
}
ALTERNATIVE_DISTRIBUTIONS = {"mlflow": "mlflow", "tensorflow": "tensorflow-cpu", "xgboost": "xgboost-cpu"}


TENSORFLOW_LIBRARIES = {"keras", "numpy", "pillow", "tensorflow"}
RUNTIME_LIBRARIES = {  # by the name of the runtime; a model of any other runtime can use all libraries
    "converted": {"numpy", "onnxruntime", "pillow"},
    "keras": TENSORFLOW_LIBRARIES,
    "onnx": {"numpy", "onnxruntime", "pillow"},
    "sklearn": {"catboost", "lightgbm", "numpy", "pandas", "pillow", "scikit-learn", "scipy", "skops", "xgboost"},
    "tensorflow": TENSORFLOW_LIBRARIES,
}


def get_loaded_libraries(*runtimes: str) -> dict[str, str]:
    """Return the versions of Python and of the libraries that a model of these runtimes uses, by name.

    These are the libraries that this process has imported, without those that other models in it have imported.
    """
    imported = {name for module, name in DISTRIBUTIONS.items() if module in sys.modules}
    names = sorted(imported & set().union(*(RUNTIME_LIBRARIES.get(runtime, imported) for runtime in runtimes)))
    versions = {name: get_library_version(name) for name in ("python", *names)}
    return {name: number for name, number in versions.items() if number}


@cache
def get_library_version(name: str) -> str:
    """Return the installed version of a library by the name of its distribution; empty if it is not installed."""
    if name == "python":
        return platform.python_version()
    module = next((module for module, distribution in DISTRIBUTIONS.items() if distribution == name), "")
    for distribution in filter(None, (name, ALTERNATIVE_DISTRIBUTIONS.get(module))):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return ""
