"""Keep the tables that are derived from predictions and reviews up to date."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Q
from django.utils import timezone

from core.fields import EPOCH, get_first_id, get_id_time
from predictions.models import Prediction, PredictionCount, Review, ReviewSummary, SummaryProgress
from predictions.services.repeated_inputs import find_repeated_inputs
from predictions.services.summary_progress import lock_progress, save_progress
from predictions.summary_sql import REVIEWS, SUMMARY_COLUMNS, build_computed
from predictions.usage import DAY, PREDICTIONS, REMOVED, round_down_to_day

# Readers compute the rows of the last minutes: a row has the time of its request, but is stored later, and the clocks of
# two machines differ.
SUMMARY_DELAY = timedelta(minutes=15)
REVIEWS_PER_TRANSACTION = 5000


def update_summaries(*, now: datetime | None = None) -> None:
    """Bring the derived tables up to date in short transactions, as a background job of the server.

    Several processes can run this at the same time: each transaction locks the row with the progress.

    Args:
        now: for tests; defaults to the current time.
    """
    until = (now or timezone.now()) - SUMMARY_DELAY
    while _summarize_reviews(until):
        pass
    find_repeated_inputs(until=until)
    while _count_day(until):
        pass


@transaction.atomic
def delete_summaries(*, since: datetime) -> None:
    """Delete what is derived from predictions that were created since the day before a time, or from their reviews.

    Use it after you change predictions or reviews with SQL. The next `update_summaries` computes it again; until then,
    metrics read the source tables. Frozen summaries stay, and so do the counts of days from which rows were removed.
    """
    since = round_down_to_day(since) - DAY  # a review can be older than its prediction, by the difference of two clocks
    since = max(since, SummaryProgress.get_until(REMOVED) or since)
    SummaryProgress.objects.filter(until__gt=since).exclude(name=REMOVED).update(until=since)
    ReviewSummary.objects.filter(created_at__gte=since, is_frozen=False).delete()
    PredictionCount.objects.filter(day__gte=since).delete()


@transaction.atomic
def _summarize_reviews(until: datetime) -> bool:
    """Summarize the predictions of the next reviews that were stored or withdrawn. Return whether more may remain."""
    progress = lock_progress(REVIEWS, EPOCH)
    start = progress.until
    if start >= until:
        return False
    stored = Review.objects.filter(id__gte=get_first_id(start), id__lt=get_first_id(until)).order_by("id")
    ids = list(stored.values_list("id", flat=True)[:REVIEWS_PER_TRANSACTION])
    is_last = len(ids) < REVIEWS_PER_TRANSACTION
    end = until if is_last else min(until, get_id_time(ids[-1]) + timedelta(milliseconds=1))
    changed = Review.objects.filter(
        Q(id__gte=get_first_id(start), id__lt=get_first_id(end)) | Q(withdrawn_at__gte=start, withdrawn_at__lt=end)
    )
    _replace_summaries(set(changed.order_by().values_list("prediction", flat=True)))
    save_progress(progress, end)
    return not is_last


def freeze_summaries(*, predictions: Collection[UUID]) -> None:
    """Compute the summaries of predictions for the last time, before their output is removed. Call `lock_summaries` first.

    So the metrics of a version stay the same.
    """
    _replace_summaries(predictions)
    # Removed inputs are not compared.
    ReviewSummary.objects.filter(prediction__in=predictions).update(is_frozen=True, sha256="", is_repeated=False)


def record_removal(*, until: datetime) -> None:
    """Record that predictions up to a time were removed. Counts of these days are not computed again.

    Args:
        until: the time of the newest removed prediction.
    """
    progress = lock_progress(REMOVED, EPOCH)
    save_progress(progress, max(progress.until, round_down_to_day(until) + DAY))


def _replace_summaries(predictions: Collection[UUID]) -> None:
    rows = ReviewSummary.objects.filter(prediction__in=predictions)
    predictions = set(predictions) - set(rows.filter(is_frozen=True).values_list("prediction", flat=True))
    rows.filter(is_frozen=False).delete()
    if not predictions:
        return
    reviews = Review.objects.filter(prediction__in=predictions, prediction__status=Prediction.Status.SUCCEEDED)
    sql, parameters = build_computed(reviews)
    columns = ", ".join(connection.ops.quote_name(column) for column in SUMMARY_COLUMNS)
    table = connection.ops.quote_name(ReviewSummary._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) WITH {sql} SELECT * FROM computed", parameters)  # noqa: S608


@transaction.atomic
def _count_day(until: datetime) -> bool:
    """Count the predictions of the next day, if it is over and none of its predictions is open. Return whether it did."""
    oldest = Prediction.objects.order_by("created_at").values_list("created_at", flat=True).first()
    if oldest is None:
        return False
    first_day = round_down_to_day(oldest)
    progress = lock_progress(PREDICTIONS, first_day)
    start = max(progress.until, first_day)
    end = start + DAY
    if end > until or Prediction.objects.filter(status__in=Prediction.OPEN_STATUSES, created_at__lt=end).exists():
        return False
    rows = Prediction.objects.filter(created_at__gte=start, created_at__lt=end, status=Prediction.Status.SUCCEEDED)
    counts = rows.order_by().values_list("model_version", "user").annotate(Count("pk"))
    PredictionCount.objects.bulk_create(
        PredictionCount(day=start, model_version_id=version, user_id=user, count=count) for version, user, count in counts
    )
    save_progress(progress, end)
    return True
