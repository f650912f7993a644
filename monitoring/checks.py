"""System checks of the monitoring settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Warning, register

from monitoring.windows import ROLLUP_DELAY


@register()
def check_rollup_delay(**options: Any) -> list[Warning]:
    """Warn if a prediction can be stored after its hour has been rolled up."""
    delay_seconds = ROLLUP_DELAY.total_seconds()
    if delay_seconds >= settings.PREDICT_TIMEOUT:
        return []
    message = "PREDICT_TIMEOUT is longer than the delay after which an hour is rolled up."
    hint = (
        f"Set PREDICT_TIMEOUT to {delay_seconds:.0f} seconds or less. Otherwise, slow predictions can be missing in rollups."
    )
    return [Warning(message, hint=hint, id="monitoring.W002")]
