"""The metrics of predictions."""

from prometheus_client import REGISTRY, CollectorRegistry, Counter

from predictions.metrics import LATENCY_BUCKETS_SECONDS, STAGE_SECONDS, get_series, observe_stages
from predictions.models import Prediction
from registry.models import ModelVersion, RegisteredModel


def test_each_series_has_its_metric_and_labels():
    registry = CollectorRegistry()
    metrics = [Counter(name, "Test.", ["model", "version"], registry=registry) for name in ("one", "two")]
    labels = [("digits", 1), ("digits", 2), ("iris", 1), ("1", "digits")]
    for metric in metrics:
        for pair in labels * 2:
            get_series(metric, *pair).inc()
            assert get_series(metric, *pair) is metric.labels(*pair)
    for name in ("one", "two"):
        for model, version in labels:
            assert registry.get_sample_value(f"{name}_total", {"model": model, "version": str(version)}) == 2


def test_each_prediction_of_a_batch_counts():
    version = ModelVersion(model=RegisteredModel(name="batch-metrics"), number=1)
    predictions = [Prediction(model_version=version, inference_ms=ms, queue_ms=0.0) for ms in (4.0, 4.0, 4.0, None, 20.0)]

    def get_value(suffix, stage, **labels):
        labels |= {"model": "batch-metrics", "version": "1", "stage": stage}
        return REGISTRY.get_sample_value(f"mlsite_prediction_stage_seconds_{suffix}", labels)

    observe_stages(predictions)
    assert get_value("count", "inference") == 4
    assert get_value("sum", "inference") == 0.032
    assert get_value("bucket", "inference", le="0.005") == 3
    assert get_value("count", "queue") == 5
    assert get_value("count", "preprocess") is None


def test_a_batch_counts_as_its_predictions_alone():
    version, single = (ModelVersion(model=RegisteredModel(name=name), number=1) for name in ("batch-alone", "single"))
    durations = [0.0, 1.0, 1.0001, 5.0, 5.0, 9_999.0, 10_000.0, 60_000.0]
    observe_stages([Prediction(model_version=version, inference_ms=ms) for ms in durations])
    for milliseconds in durations:
        observe_stages([Prediction(model_version=single, inference_ms=milliseconds)])
    batch, alone = (
        [
            (sample.name, sample.labels.get("le"), sample.value)
            for metric in REGISTRY.collect()
            if metric.name == STAGE_SECONDS._name
            for sample in metric.samples
            if sample.labels["model"] == name and not sample.name.endswith("_created")
        ]
        for name in ("batch-alone", "single")
    )
    assert batch == alone and len(batch) > len(LATENCY_BUCKETS_SECONDS)
