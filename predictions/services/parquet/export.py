"""Export what is new since the last export to the same destination."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from django.db.models import Q, QuerySet
from django.utils import timezone

from core.database_limits import use_job_limits
from core.fields import get_first_id
from predictions.id_ranges import LOWEST_ID
from predictions.models import QueuedPrediction
from predictions.services.parquet.destinations import Destination, ExportError
from predictions.services.parquet.rows import (
    PredictionBatch,
    build_pseudonym,
    build_review_columns,
    get_day,
    get_username,
    iterate_predictions,
    select_reviews,
)
from predictions.services.parquet.schema import PREDICTION_SCHEMA, PREDICTIONS, REVIEWS
from predictions.services.parquet.state import ExportStore, WrittenFile
from registry.models import ModelVersion, RegisteredModel

MAX_FILE_ROWS = 100_000  # one row group
MAX_FILE_BYTES = 32 * 2**20  # of columns in memory, which limits the rows of wide tables
REVIEWS_PER_STEP = 10_000


@dataclass(slots=True)
class ExportSummary:
    """What an export has written."""

    predictions: int = 0
    reviews: int = 0
    files: int = 0


class ParquetExport:
    """An export to one destination.

    Args:
        since: skip what was created earlier, in the first export to the destination.
        model: the name of a registered model; empty for all.
        has_usernames: write the names of users. Otherwise, write pseudonyms.
        older_than: the age in seconds from which rows are exported. A row with a lower ID can be committed later.

    Raises:
        ExportError: there is no such model, or the destination was exported with other options.
        OSError: the destination cannot be read or written. The next export continues.
    """

    def __init__(
        self,
        destination: Destination,
        *,
        since: datetime | None = None,
        model: str = "",
        has_usernames: bool = False,
        older_than: float,
    ) -> None:
        if model and not RegisteredModel.objects.filter(name=model).exists():
            raise ExportError(f"There is no registered model {model}.")
        self._destination, self._model = destination, model
        self._options = {"model": model, "users": "names" if has_usernames else "pseudonyms"}
        self._describe_user = get_username if has_usernames else build_pseudonym
        self._first_id = get_first_id(since) if since else LOWEST_ID
        self._latest = timezone.now() - timedelta(seconds=older_than)
        self._summary = ExportSummary()

    def run(self) -> ExportSummary:
        """Write all new predictions and reviews. If this is interrupted, the next export continues."""
        with self._destination.lock(), use_job_limits():
            self._store = ExportStore(self._destination, self._options)
            rows = ModelVersion.objects.select_related("model").defer("signature", "model__description")
            versions = {version.pk: version for version in rows.order_by("pk")}
            for version in versions.values():
                if self._model in ("", version.model.name):
                    self._export_version(version)
            self._export_withdrawals(versions)
            self._export_new_reviews(versions)
        return self._summary

    def _export_version(self, version: ModelVersion) -> None:
        """Write the new predictions of a version: one file per day, or several for a day with many."""
        after = UUID(self._store.state.positions.get(str(version), str(self._first_id)))
        waiting: list[PredictionBatch] = []
        for batch in iterate_predictions(
            version, after=after, before=self._get_end(version), describe_user=self._describe_user
        ):
            row_count = sum(other.columns.num_rows for other in waiting) + batch.columns.num_rows
            size = sum(other.columns.nbytes for other in waiting)
            if waiting and (waiting[-1].day != batch.day or row_count > MAX_FILE_ROWS or size > MAX_FILE_BYTES):
                self._write_predictions(version, waiting)
                waiting = []
            waiting.append(batch)
        if waiting:
            self._write_predictions(version, waiting)

    def _get_end(self, version: ModelVersion) -> UUID:
        """Return the ID from which predictions are not exported yet: they are too new, or an earlier one is not final."""
        queued = QueuedPrediction.objects.filter(prediction__model_version=version).order_by("pk")
        oldest = queued.values_list("pk", flat=True).first()
        end = get_first_id(self._latest)
        return min(end, oldest) if oldest else end

    def _write_predictions(self, version: ModelVersion, batches: list[PredictionBatch]) -> None:
        table = pa.Table.from_batches([batch.columns for batch in batches], schema=PREDICTION_SCHEMA)
        folder = _build_folder(PREDICTIONS, version.model.name, batches[0].day)
        self._store.state.positions[str(version)] = str(batches[-1].last_id)
        self._summary.predictions += table.num_rows
        self._write({f"{folder}/{version.number}-{batches[0].first_id}.parquet": table})

    def _export_new_reviews(self, versions: dict[UUID, ModelVersion]) -> None:
        state = self._store.state
        rows = select_reviews(self._model).filter(pk__lt=get_first_id(self._latest)).order_by("pk")
        while chunk := list(rows.filter(pk__gt=state.review_position or self._first_id)[:REVIEWS_PER_STEP]):
            state.review_position = str(chunk[-1].id)
            self._write_reviews(chunk, versions, "")

    def _export_withdrawals(self, versions: dict[UUID, ModelVersion]) -> None:
        """Write the reviews again that were withdrawn after they were exported."""
        state = self._store.state
        if not state.withdrawn_position[0]:
            state.withdrawn_position = (self._latest.isoformat(), str(LOWEST_ID))
        if not state.review_position:
            return
        rows: QuerySet[Any, Any] = select_reviews(self._model).filter(
            pk__lte=state.review_position, withdrawn_at__lt=self._latest
        )
        rows = rows.order_by("withdrawn_at", "pk")
        while True:
            time, last = state.withdrawn_position
            later = Q(withdrawn_at__gt=time) | Q(withdrawn_at=time, pk__gt=last)
            chunk = list(rows.filter(later, withdrawn_at__gte=time)[:REVIEWS_PER_STEP])
            if not chunk:
                return
            state.withdrawn_position = (chunk[-1].withdrawn_at.isoformat(), str(chunk[-1].id))
            self._write_reviews(chunk, versions, "withdrawn-")

    def _write_reviews(self, chunk: list[Any], versions: dict[UUID, ModelVersion], prefix: str) -> None:
        by_folder: dict[str, list[Any]] = defaultdict(list)
        for row in chunk:
            model = versions[row.prediction__model_version_id].model.name
            by_folder[_build_folder(REVIEWS, model, get_day(row.id))].append(row)
        self._summary.reviews += len(chunk)
        self._write(
            {
                f"{folder}/{prefix}{rows[0].id}.parquet": build_review_columns(rows, versions, self._describe_user)
                for folder, rows in by_folder.items()
            }
        )

    def _write(self, tables: dict[str, pa.Table]) -> None:
        self._store.write({name: WrittenFile(_encode(table), table.num_rows) for name, table in tables.items()})
        self._summary.files += len(tables)


def _build_folder(dataset: str, model: str, day: str) -> str:
    """Return the folder of a partition, as Hive names it."""
    return f"{dataset}/model={quote(model, safe='')}/day={day}"


def _encode(table: pa.Table) -> bytes:
    """Return a table as a Parquet file with one row group."""
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, compression="zstd", row_group_size=max(1, table.num_rows))
    data: bytes = buffer.getvalue().to_pybytes()
    return data
