"""The metrics of predictions."""

from prometheus_client import CollectorRegistry, Counter

from predictions.metrics import get_series


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
