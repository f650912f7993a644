import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from inference.base import BaseRuntime
from inference.errors import ArtifactMismatch, ModelError, ModelUnavailable
from inference.loader import load_predictor


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
