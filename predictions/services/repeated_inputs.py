"""Find the reviewed predictions whose input was submitted more than once: only these can be compared with other versions.

Each summary is checked once, after it was stored. Later submissions of the same input mark it.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery, Value
from django.db.models.functions import Coalesce

from core.fields import get_first_id, get_id_time
from predictions.models import Input, Prediction, ReviewSummary
from predictions.models.input import ERASED_SHA256
from predictions.services.summary_progress import lock_progress, lock_summaries, save_progress
from predictions.summary_sql import REPEATED_INPUTS

ROWS_PER_TRANSACTION = 5000


def find_repeated_inputs(*, until: datetime) -> None:
    """Bring `sha256` and `is_repeated` of all summaries up to date, in short transactions.

    Args:
        until: no prediction with an earlier time will be stored.
    """
    while _check_summaries(until):
        pass
    while _mark_summaries(until):
        pass


@transaction.atomic
def _check_summaries(until: datetime) -> bool:
    """Check the next summaries that have not been checked. Return whether more may remain."""
    lock_summaries()
    lock_progress(REPEATED_INPUTS, until)  # predictions that are stored after the first check mark the summaries
    keys = list(ReviewSummary.objects.filter(is_repeated=None).values_list("pk", flat=True)[:ROWS_PER_TRANSACTION])
    predictions = Prediction.objects.exclude(input__sha256=ERASED_SHA256).order_by()
    same_input = Prediction.objects.filter(input=OuterRef("input")).exclude(pk=OuterRef("pk"))
    same_content = Input.objects.filter(sha256=OuterRef("input__sha256")).exclude(pk=OuterRef("input"))
    repeated = predictions.filter(Exists(same_input) | Exists(same_content), pk__in=keys)
    repeated_keys = list(repeated.values_list("pk", flat=True))
    sha256 = Subquery(predictions.filter(pk=OuterRef("pk")).values("input__sha256"))
    rows = ReviewSummary.objects.filter(pk__in=keys)
    rows.update(sha256=Coalesce(sha256, Value("")), is_repeated=False)
    rows.filter(pk__in=repeated_keys).update(is_repeated=True)
    return len(keys) == ROWS_PER_TRANSACTION


@transaction.atomic
def _mark_summaries(until: datetime) -> bool:
    """Mark the summaries whose inputs the next predictions have too. Return whether more predictions may remain."""
    lock_summaries()
    progress = lock_progress(REPEATED_INPUTS, until)
    start = progress.until
    if start >= until:
        return False
    rows = Prediction.objects.filter(id__gte=get_first_id(start), id__lt=get_first_id(until)).order_by("id")
    pairs = list(rows.values_list("id", "input__sha256")[:ROWS_PER_TRANSACTION])
    is_last = len(pairs) < ROWS_PER_TRANSACTION
    submitted: dict[str, set[UUID]] = defaultdict(set)
    for pk, sha256 in pairs:
        submitted[sha256].add(pk)
    submitted.pop(ERASED_SHA256, None)
    candidates = ReviewSummary.objects.filter(sha256__in=list(submitted), is_repeated=False)
    keys = [pk for pk, sha256 in candidates.values_list("pk", "sha256") if submitted[sha256] - {pk}]
    ReviewSummary.objects.filter(pk__in=keys).update(is_repeated=True)
    # The last ones again if more follow: others may have their millisecond.
    save_progress(progress, until if is_last else max(get_id_time(pairs[-1][0]), start + timedelta(milliseconds=1)))
    return not is_last
