"""The columns that the features of a batch job take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from predictions.batch_jobs.files import open_table
from predictions.models import BatchJob
from predictions.tables.columns import check_columns, get_job_table, match_columns


def check_mapping(job: BatchJob) -> None:
    """Check that each required feature has a column. A canceled draft may have none.

    Raises:
        InvalidInput: with the code `missing-columns`.
    """
    with open_table(job) as file:
        check_columns(file.columns, job.options["mapping"], get_job_table(job.model_version.parsed_signature.input))


def choose_columns(job: BatchJob, mapping: Mapping[str, str | None] | None) -> dict[str, Any]:
    """Return the options of a draft with the mapping. If it is None, the mapping of the draft remains.

    Raises:
        InvalidInput: a required feature has no column, or the mapping is invalid.
    """
    table = get_job_table(job.model_version.parsed_signature.input)
    with open_table(job) as file:
        mapped = job.options["mapping"] if mapping is None else match_columns(file.columns, table, mapping)
        check_columns(file.columns, mapped, table)
    return {**job.options, "mapping": mapped}
