"""The versions of the libraries that models depend on."""

from __future__ import annotations

import platform
import sys
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


def get_loaded_libraries() -> dict[str, str]:
    """Return the versions of Python and of the libraries that this process has imported, by name."""
    versions = {name: get_library_version(name) for module, name in DISTRIBUTIONS.items() if module in sys.modules}
    return {"python": platform.python_version(), **{name: number for name, number in versions.items() if number}}


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
