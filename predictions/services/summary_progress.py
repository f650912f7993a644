"""Read and move the time up to which a derived table is complete. Its row is the lock of the table."""

from __future__ import annotations

from datetime import datetime

from core.fields import EPOCH
from predictions.models import SummaryProgress
from predictions.summary_sql import REVIEWS


def lock_progress(name: str, start: datetime) -> SummaryProgress:
    """Lock and return the progress of a table until the end of the transaction. If it has none, create it with `start`."""
    SummaryProgress.objects.get_or_create(name=name, defaults={"until": start})
    progress: SummaryProgress = SummaryProgress.objects.select_for_update().get(name=name)
    return progress


def save_progress(progress: SummaryProgress, until: datetime) -> None:
    progress.until = until
    progress.save(update_fields=["until"])


def lock_summaries() -> None:
    """Wait for a running update, and prevent others until the end of the transaction. Call it before you lock predictions.

    From the first call on, metrics read the table.
    """
    lock_progress(REVIEWS, EPOCH)
