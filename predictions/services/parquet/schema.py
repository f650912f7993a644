"""The columns of the datasets. docs/parquet.md lists them."""

from __future__ import annotations

import pyarrow as pa

SCHEMA_VERSION = 1
"""Increase it with each change of a column. An export does not continue a destination of another version."""
PREDICTIONS, REVIEWS = "predictions", "reviews"

_METADATA = {"mlsite.schema_version": str(SCHEMA_VERSION)}
_TIME = pa.timestamp("us", tz="UTC")
_MILLISECONDS = pa.float64()
_LABELS = pa.list_(pa.string())

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("created_at", _TIME, nullable=False),
        ("started_at", _TIME),
        ("completed_at", _TIME),
        pa.field("model_version", pa.int32(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        ("user", pa.string()),
        ("client_reference", pa.string()),
        pa.field("input_id", pa.string(), nullable=False),
        pa.field("input_kind", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        ("image", pa.string()),
        ("content_type", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        pa.field("size", pa.int64(), nullable=False),
        ("features", pa.string()),  # JSON
        ("text", pa.string()),
        ("label", pa.string()),
        ("labels", _LABELS),
        ("confidence", pa.float64()),
        ("margin", pa.float64()),
        ("value", pa.float64()),
        ("scores", pa.map_(pa.string(), pa.float64())),
        ("output", pa.string()),  # JSON
        ("error_code", pa.string()),
        ("decode_ms", _MILLISECONDS),
        ("queue_ms", _MILLISECONDS),
        ("preprocess_ms", _MILLISECONDS),
        ("inference_ms", _MILLISECONDS),
        ("verdict", pa.string()),
        ("true_label", pa.string()),
        ("true_value", pa.float64()),
        ("true_labels", _LABELS),
        ("picked_by", pa.string()),
        pa.field("reviews", pa.int32(), nullable=False),
    ],
    metadata=_METADATA,
)
REVIEW_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("prediction_id", pa.string(), nullable=False),
        pa.field("model_version", pa.int32(), nullable=False),
        ("reviewer", pa.string()),
        pa.field("verdict", pa.string(), nullable=False),
        ("true_label", pa.string()),
        ("true_value", pa.float64()),
        ("true_labels", _LABELS),
        pa.field("picked_by", pa.string(), nullable=False),
        pa.field("is_blind", pa.bool_(), nullable=False),
        pa.field("created_at", _TIME, nullable=False),
        ("withdrawn_at", _TIME),
    ],
    metadata=_METADATA,
)
