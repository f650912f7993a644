"""Prometheus metrics of predictions. With PROMETHEUS_MULTIPROC_DIR they cover all gunicorn processes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter as Counts
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from prometheus_client import Counter, Gauge, Histogram

if TYPE_CHECKING:
    from predictions.models import Prediction

Metric = TypeVar("Metric", Counter, Gauge, Histogram)

STAGES = ("decode", "preprocess", "queue", "inference")
MAX_CACHED_SERIES = 2048
LATENCY_BUCKETS_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

PREDICTIONS = Counter("mlsite_predictions", "Predictions stored.", ["model", "version", "status"])
STAGE_SECONDS = Histogram(
    "mlsite_prediction_stage_seconds",
    "Duration of each stage of a prediction in seconds: decode, preprocess, queue, inference.",
    ["model", "version", "stage"],
    buckets=LATENCY_BUCKETS_SECONDS,
)
QUEUE_DEPTH = Gauge(
    "mlsite_queue_depth",
    "Requests waiting for a model or in its current batch.",
    ["model", "version"],
    multiprocess_mode="livesum",
)
OVERLOADED = Counter("mlsite_predictions_refused", "Requests rejected because the queue was full.", ["model", "version"])


@lru_cache(maxsize=MAX_CACHED_SERIES)
def get_series(metric: Metric, *labels: str | int) -> Metric:
    """Return the time series of a metric with these labels: 0.15 µs of CPU instead of the 1.3 µs of `labels()`."""
    return metric.labels(*labels)


def observe_stages(predictions: Sequence[Prediction]) -> None:
    """Add the durations of the stages of each prediction. All are of one model version.

    The predictions of a batch have run together, and each has the duration of the batch, as in the database.
    """
    version = predictions[0].model_version
    for stage in STAGES:
        durations = [value for prediction in predictions if (value := getattr(prediction, f"{stage}_ms")) is not None]
        if not durations:
            continue
        histogram = get_series(STAGE_SECONDS, version.model.name, version.number, stage)
        if len(durations) > 1:
            _observe_many(histogram, [milliseconds / 1000 for milliseconds in durations])
        else:
            histogram.observe(durations[0] / 1000)


def _observe_many(histogram: Histogram, values: Sequence[float]) -> None:
    """Do what `observe` does for each value, with one update per bucket: 0.14 instead of 2.2 µs of CPU for each of 1,000."""
    counts = Counts(bisect_left(histogram._upper_bounds, value) for value in values)
    for position, count in counts.items():
        histogram._buckets[position].inc(count)
    histogram._sum.inc(sum(values))
