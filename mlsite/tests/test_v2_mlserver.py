"""The client library of MLServer with a running site. `make install-clients` installs it into its own environment."""

import json
import subprocess
from pathlib import Path

import pytest

from core.tests.requirements import require
from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES

pytestmark = [pytest.mark.services, pytest.mark.site, pytest.mark.xdist_group("site")]
PYTHON = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
DIGITS = sorted(SAMPLES.glob("*.png"))[:3]
NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]
IRIS = [[5.1, 3.5, 1.4, 0.2], [6.3, 2.5, 5.0, 1.9]]
SCRIPT = """
import json, sys
from pathlib import Path
import numpy as np, pandas as pd, requests
from mlserver import codecs, types

url, token, rows, names, *files = sys.argv[1:]
headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
rows, names = json.loads(rows), json.loads(names)
types.MetadataServerResponse.model_validate(requests.get(f"{url}/v2").json())
for name in ("iris", "digits"):
    types.MetadataModelResponse.model_validate(requests.get(f"{url}/v2/models/{name}", headers=headers).json())
images = codecs.Base64Codec.encode_input("image", [Path(file).read_bytes() for file in files], use_bytes=False)
results = []
for name, request in (
    ("iris", codecs.PandasCodec.encode_request(pd.DataFrame(rows, columns=names), use_bytes=False)),
    ("iris", codecs.NumpyRequestCodec.encode_request(np.array(rows, np.float32))),
    ("digits", types.InferenceRequest(inputs=[images])),
):
    response = requests.post(f"{url}/v2/models/{name}/infer", data=request.model_dump_json(), headers=headers)
    response.raise_for_status()
    outputs = {output.name: output for output in types.InferenceResponse.model_validate(response.json()).outputs}
    labels = codecs.StringCodec.decode_output(outputs["label"])
    scores = codecs.NumpyCodec.decode_output(outputs["scores"])
    columns = json.loads(outputs["scores"].parameters.labels)
    results.append([[label, dict(zip(columns, row))] for label, row in zip(labels, scores.tolist())])
print(json.dumps(results))
"""


def test_mlserver_gets_the_numbers_of_the_rest_api(site):
    require("The client library of MLServer (make install-clients)", PYTHON.exists())
    token = site.create_token()
    arguments = [site.url, token, json.dumps(IRIS), json.dumps(NAMES), *map(str, DIGITS)]
    process = subprocess.run([PYTHON, "-c", SCRIPT, *arguments], check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    bodies = [{"model": "iris", "features": dict(zip(NAMES, row, strict=True))} for row in IRIS]
    rows = [site.post(PREDICTIONS_PATH, token, json=body).json() for body in bodies]
    images = [site.predict(path.read_bytes(), token, model="digits").json() for path in DIGITS]
    for results, expected in zip(json.loads(process.stdout), (rows, rows, images), strict=True):
        for (label, scores), prediction in zip(results, expected, strict=True):
            assert label == prediction["label"]
            assert scores == pytest.approx(prediction["output"]["scores"], abs=1e-6)
