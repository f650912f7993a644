"""What Prometheus counts of predictions. Right across gunicorn's processes through PROMETHEUS_MULTIPROC_DIR."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

PREDICTIONS = Counter("mlsite_predictions", "Predictions stored.", ["model", "version", "status"])
STAGE_SECONDS = Histogram(
    "mlsite_prediction_stage_seconds",
    "Seconds of one prediction by stage: preprocess, queue, inference.",
    ["model", "version", "stage"],
    buckets=SECONDS,
)
QUEUE_DEPTH = Gauge(
    "mlsite_queue_depth",
    "Requests waiting for a model or in its batch.",
    ["model", "version"],
    multiprocess_mode="livesum",
)
OVERLOADED = Counter("mlsite_predictions_refused", "Requests refused because the queue was full.", ["model", "version"])
