"""The versions of libraries."""

import platform
import sys

from inference.libraries import DISTRIBUTIONS, get_library_version, get_loaded_libraries


def test_only_the_libraries_of_the_runtime_are_listed(monkeypatch):
    for module in DISTRIBUTIONS:
        monkeypatch.setitem(sys.modules, module, sys)
    assert list(get_loaded_libraries("onnx")) == ["python", "numpy", "onnxruntime", "pillow"]
    assert {"python", "keras", "tensorflow"} <= get_loaded_libraries("keras").keys()
    assert {"keras", "scikit-learn", "onnxruntime"} <= get_loaded_libraries("package.Runtime").keys()


def test_libraries_that_are_not_imported_are_not_listed(monkeypatch):
    monkeypatch.delitem(sys.modules, "onnxruntime", raising=False)
    assert "onnxruntime" not in get_loaded_libraries("onnx")


def test_installed_versions_are_returned():
    import numpy

    assert get_library_version("numpy") == numpy.__version__
    assert get_library_version("python") == platform.python_version()
    assert get_library_version("no-such-library") == ""
