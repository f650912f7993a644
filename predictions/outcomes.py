"""The parts of a prediction as JSON that the API and events share."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from predictions.models import Prediction


def represent_error(prediction: Prediction) -> dict[str, str] | None:
    """Return why a prediction failed; None if it did not fail."""
    if not prediction.error_code:
        return None
    return {"code": prediction.error_code, "message": prediction.error_message}


def represent_timings(prediction: Prediction) -> dict[str, Any]:
    """Return the durations of a prediction in milliseconds. A step that did not run has None."""
    return {
        "queue_ms": prediction.queue_ms,
        "preprocess_ms": prediction.preprocess_ms,
        "inference_ms": prediction.inference_ms,
        "decode_ms": prediction.decode_ms,
    }


@lru_cache(maxsize=4)
def format_time(moment: datetime) -> str:
    """Return a time in UTC with the suffix Z, as REST framework does."""
    return moment.astimezone(UTC).isoformat().removesuffix("+00:00") + "Z"
