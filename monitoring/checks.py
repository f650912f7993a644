"""What `manage.py check` says about this installation, without loading a model."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Warning, register

from monitoring.windows import LAG


@register()
def check_rollup_delay(**options: Any) -> list[Warning]:
    """An answer is stored before its hour is counted."""
    if LAG.total_seconds() < settings.PREDICT_TIMEOUT:
        hint = f"Set it to {LAG.total_seconds():.0f} seconds or less."
        return [
            Warning(
                "PREDICT_TIMEOUT is longer than Operations waits for an hour's last answers.",
                hint=hint,
                id="predictions.W002",
            )
        ]
    return []
