"""Verify that the database and the stored files agree with each other, and with the journal of a client."""

from __future__ import annotations

from pathlib import Path

from predictions.services.verification.events import check_events
from predictions.services.verification.files import check_input_files, check_job_files
from predictions.services.verification.jobs import check_batch_jobs, check_queue
from predictions.services.verification.journal import check_journal
from predictions.services.verification.leftovers import check_leftovers
from predictions.services.verification.references import check_references
from predictions.services.verification.report import ADVICE, Breach, Report
from predictions.services.verification.rows import check_idempotency_keys, check_inputs, check_predictions

__all__ = ["ADVICE", "DEFAULT_AGE_SECONDS", "Breach", "Report", "verify_store"]

DEFAULT_AGE_SECONDS = 3600.0  # of a file without a row. The row of a newer file may still follow.


def verify_store(
    *, journal: Path | None = None, older_than: float | None = None, allowed_orphans: int = 0, reads_files: bool = True
) -> Report:
    """Check all rows and files. Nothing is written, and the memory does not depend on their number.

    Args:
        journal: the journal of the load client, see `mlsite.tests.load_client`. No client may be running.
        older_than: the age in seconds from which a file without a row is reported. Default: one hour, or 0 with a journal.
        allowed_orphans: the number of files without a row that are not reported, such as the number of killed processes.
        reads_files: whether to read all files and to compare their SHA-256. Otherwise only their sizes are compared.

    Raises:
        OSError, ValueError: the journal cannot be read.
    """
    if older_than is None:
        older_than = 0.0 if journal else DEFAULT_AGE_SECONDS
    report = Report()
    check_inputs(report)
    check_predictions(report)
    check_references(report)
    check_queue(report)
    check_batch_jobs(report)
    check_idempotency_keys(report)
    check_events(report)
    check_input_files(report, reads_files=reads_files)
    check_job_files(report, reads_files=reads_files)
    check_leftovers(report, older_than=older_than, allowed_orphans=allowed_orphans)
    if journal:
        check_journal(report, journal)
    return report
