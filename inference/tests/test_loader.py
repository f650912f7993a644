import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inference.base import BaseRuntime
from inference.errors import ArtifactMismatch, ModelError, ModelUnavailable
from inference.loader import load_predictor
from inference.types import ConvertedFile


def test_changed_artifact_is_rejected_before_it_is_parsed(make_spec):
    spec = make_spec()
    spec.path.write_text("{ not JSON")
    with pytest.raises(ArtifactMismatch, match="differs from the registered file"):
        load_predictor(spec)


def test_missing_artifact_is_reported(make_spec):
    spec = make_spec()
    spec.path.unlink()
    with pytest.raises(ModelUnavailable, match="shades:1 cannot be read"):
        load_predictor(spec)


def test_failed_warm_up_stops_the_thread(make_spec):
    spec = make_spec(fail="broken")
    with pytest.raises(ModelError):
        load_predictor(spec)
    for thread in threading.enumerate():
        if thread.name == "batch-shades:1":
            thread.join(10)
            assert not thread.is_alive()


class ThirdPartyRuntime(BaseRuntime):
    """A runtime as a user would write it."""

    def load(self):
        return lambda batch: np.tile(np.float32([0.25, 0.75]), (len(batch), 1))


def test_third_party_runtime_is_loaded_by_its_dotted_path(make_spec):
    spec = make_spec(runtime=f"{__name__}.ThirdPartyRuntime")
    with pytest.raises(ModelUnavailable, match="cannot be loaded") as caught:
        load_predictor(spec)
    assert "--trusted" in str(caught.value.__cause__)
    predictor = load_predictor(replace(spec, trusted=True))
    assert predictor.predict(Image.new("L", (8, 8)), timeout=10).output == {"scores": {"dark": 0.25, "light": 0.75}}
    predictor.close()


@pytest.mark.parametrize("exists", [False, True], ids=["missing", "changed"])
def test_the_artifact_runs_if_the_converted_file_is_missing_or_changed(make_spec, tmp_path, caplog, exists):
    """A changed file is not used, even if it can be loaded."""
    spec, path = make_spec(), tmp_path / "converted.dummy.json"
    if exists:
        path.write_bytes(spec.path.read_bytes())
    predictor = load_predictor(replace(spec, converted=ConvertedFile("dummy", path, "0" * 64)))
    assert predictor.predict(Image.new("L", (8, 8)), timeout=10).label
    predictor.close()
    [record] = [record for record in caplog.records if record.levelname == "ERROR"]
    assert "converted network cannot be used" in record.message
    assert record.model == "shades:1"


def test_the_artifact_is_verified_even_if_a_converted_file_runs(make_spec, tmp_path):
    spec = replace(make_spec(), converted=ConvertedFile("converted", tmp_path / "converted.onnx", "0" * 64))
    spec.path.write_text("{ not JSON")
    with pytest.raises(ArtifactMismatch):
        load_predictor(spec)
