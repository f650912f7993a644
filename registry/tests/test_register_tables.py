"""Registration of models of tables, and of outputs that are values or raw."""

import json
from operator import itemgetter
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import ValidationError

from core.tests.admin_urls import get_change_url, get_list_url
from inference.artifacts import hash_artifact
from inference.errors import InvalidSignature
from predictions.presentation import format_output
from predictions.services import predict
from registry.models import ModelVersion, RegisteredModel
from registry.services import register_model
from registry.serving import get_spec
from registry.tests.factories import edit_manifest

pytestmark = pytest.mark.django_db
FEATURES = {"length": 4.5, "petals": 5}


def test_the_signature_and_the_task_are_stored(flowers):
    assert flowers.model.task == RegisteredModel.Task.TABULAR_REGRESSION
    assert flowers.labels == []
    features = flowers.signature["input"]["features"]
    assert features[0] == {"name": "length", "type": "float", "unit": "cm", "min": 0, "max": 10, "example": 4.5}
    assert features[3] == {"name": "wild", "type": "boolean", "default": False}
    assert flowers.signature["output"] == {"kind": "value", "unit": "cm²"}
    assert get_spec(flowers).signature.to_dict() == flowers.signature


def test_a_raw_output_is_stored_without_label_and_value(write_rows, user):
    folder = write_rows()
    edit_manifest(folder, 'kind = "value"\nunit = "cm²"', 'kind = "raw"')
    version = register_model(path=folder, promote=True)
    assert version.model.task == RegisteredModel.Task.OTHER
    prediction = predict(user=user, source="api", features=FEATURES)
    assert prediction.output == {"raw": [9.5]}
    assert (prediction.label, prediction.confidence, prediction.value) == ("", None, None)
    assert format_output(prediction) == "raw output"


def test_an_output_that_is_no_value_is_stored_as_a_failure(flowers, user, settings):
    path = Path(settings.MODEL_ROOT, "bad.dummy.json")
    path.write_text(json.dumps({"fixed": [1.0, 2.0]}))
    fields = {"artifact": path.name, "sha256": hash_artifact(path), "size": path.stat().st_size, "runtime": "dummy"}
    ModelVersion.objects.create(model=flowers.model, number=2, signature=flowers.signature, **fields)
    prediction = predict(user=user, source="api", features=FEATURES, model="flowers:2")
    assert (prediction.status, prediction.error_code) == ("failed", "model-output-invalid")
    assert "one number, the value. Received: 2" in prediction.error_message
    assert prediction.input.features["petals"] == 5


def test_the_admin_shows_features_and_output_of_a_prediction(flowers, client, superuser, user):
    client.force_login(superuser)
    prediction = predict(user=user, source="api", features=FEATURES)
    page = client.get(get_list_url("prediction")).content.decode()
    for text in ("length: 4.5", "petals: 5", "9.5 cm²", "value: 9.5"):
        assert text in page
    assert "&quot;petals&quot;: 5" in client.get(get_change_url(prediction)).content.decode()
    assert "length: 4.5" in client.get(get_list_url("input")).content.decode()
    assert "&quot;petals&quot;: 5" in client.get(get_change_url(prediction.input)).content.decode()


def test_classes_that_cannot_be_labels_are_named_by_the_user(tmp_path):
    import joblib
    from sklearn.linear_model import LogisticRegression

    path, names = tmp_path / "long.joblib", tmp_path / "labels.txt"
    joblib.dump(LogisticRegression().fit([[0.0], [1.0]], ["no " * 50, "yes"]), path)
    with pytest.raises(ValidationError, match="Name the classes of the model with --labels, in their order"):
        register_model(path=path, trusted=True)
    names.write_text("no\nyes\n")
    assert register_model(path=path, trusted=True, labels=names).labels == ["no", "yes"]
    names.write_text("no\n" + "yes " * 50)
    with pytest.raises(ValidationError, match=r"printable characters\. Received: 'yes yes"):
        register_model(path=path, trusted=True, labels=names)


def test_a_model_that_selects_columns_by_name_needs_their_names(tmp_path):
    import joblib
    import pandas as pd
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    model = make_pipeline(FunctionTransformer(), FunctionTransformer(np.asarray), LinearRegression())
    model.fit([[1.0, 2.0], [2.0, 1.0], [3.0, 5.0]], [1, 2, 3])
    model[0].func = itemgetter(["petals", "length"])
    joblib.dump(model, tmp_path / "flowers.joblib")
    with pytest.raises(InvalidSignature, match=r"by name, list all columns in \[input\]\."):
        register_model(path=tmp_path / "flowers.joblib", trusted=True)
    text = '[input]\nfeatures = [{ name = "length", type = "float" }, { name = "petals", type = "integer" }]\n'
    (tmp_path / "model.toml").write_text(f'artifact = "flowers.joblib"\n{text}')
    register_model(path=tmp_path, trusted=True, promote=True)
    prediction = predict(user=None, source="api", features=FEATURES)
    assert prediction.value == pytest.approx(model.predict(pd.DataFrame([FEATURES]))[0])
