"""Generated outputs of classifications and regressions."""

from pathlib import Path

import numpy as np
import pytest

from accounts.models import User
from demo.services.seed.outputs import draw_outputs
from demo.tests.factories import filter_succeeded, generate_predictions
from inference.errors import InvalidInput
from predictions.models import Review
from registry.models import ModelVersion
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def test_scores_sum_to_one_and_give_the_label_and_confidence(classifier):
    for prediction in filter_succeeded(generate_predictions(classifier)):
        assert list(prediction.output) == ["scores"]
        assert set(prediction.output["scores"]) == set(classifier.labels)
        assert sum(prediction.output["scores"].values()) == pytest.approx(1, abs=1e-6)
        assert (prediction.label, prediction.confidence) == prediction.ranked_scores[0]
        assert prediction.margin == prediction.compute_margin()
        assert prediction.value is None


def test_classifications_are_overconfident_and_get_worse(classifier):
    outputs = draw_outputs(classifier, np.linspace(0, 1, 30_000), np.random.default_rng(0))
    correct = np.array([output.columns["label"] == output.ground_truth for output in outputs])
    confidence = np.array([output.columns["confidence"] for output in outputs])
    assert 0.85 < correct.mean() < confidence.mean() - 0.01
    assert correct[:10_000].mean() > correct[-10_000:].mean() + 0.02
    assert correct[confidence > 0.99].mean() > correct[confidence < 0.9].mean() + 0.1


def test_labels_without_scores(shades):
    columns = {name: getattr(shades, name) for name in ("model", "runtime", "artifact", "sha256", "size", "labels")}
    signature = shades.signature | {"output": {"kind": "label"}}
    version = ModelVersion.objects.create(number=2, signature=signature, **columns)
    predictions = filter_succeeded(generate_predictions(version))
    assert all(prediction.output == {"label": prediction.label} for prediction in predictions)
    assert {prediction.label for prediction in predictions} == set(shades.labels)
    assert {(row.confidence, row.margin, row.value) for row in predictions} == {(None, None, None)}
    assert set(Review.objects.values_list("picked_by", flat=True)) == {"random", "manual"}


def test_values_have_no_label_and_no_confidence(flowers):
    predictions = filter_succeeded(generate_predictions(flowers))
    assert all(prediction.output == {"value": prediction.value} for prediction in predictions)
    assert {(row.label, row.confidence, row.margin) for row in predictions} == {("", None, None)}
    assert len({prediction.value for prediction in predictions}) == len(predictions)


def test_errors_of_values_increase(flowers):
    outputs = draw_outputs(flowers, np.linspace(0, 1, 30_000), np.random.default_rng(0))
    errors = np.array([abs(output.columns["value"] - output.ground_truth) for output in outputs])
    assert 0 < 1.5 * errors[:10_000].mean() < errors[-10_000:].mean()


def test_raw_outputs_cannot_be_generated(write_rows):
    folder = write_rows(name="stuff")
    manifest = Path(folder, "model.toml")
    manifest.write_text(manifest.read_text().replace('kind = "value"\nunit = "cm²"', 'kind = "raw"'))
    with pytest.raises(InvalidInput, match="Received: stuff:1 with the kind raw"):
        generate_predictions(register_model(path=folder))
    assert not User.objects.exists()
