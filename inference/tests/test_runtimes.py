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
    with pytest.raises(InvalidArtifact, match=r"ends in \.keras or .*\.skops.* Received: c\.txt"):
        detect_runtime(Path("c.txt"))


def test_runtime_without_load_names_the_missing_method():
    class Empty(BaseRuntime):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must override load\(\)"):
        Empty(Path("none")).load()
