"""The site without the events of predictions, to measure what they cost.

Everything but the statement that stores predictions is the same. Append "benchmarks.eventless:create_application()" to the
command of gunicorn.
"""

from __future__ import annotations

import functools
from typing import Any

from core.statements import Statement


def create_application() -> Any:
    """Return the WSGI application of the site. In this process, predictions are then stored without an event."""
    from mlsite.wsgi import application
    from predictions.services import inserts

    inserts._build_statement = build_statement
    return application


@functools.cache
def build_statement(row_count: int, *, is_retry: bool) -> Statement:
    """Return a statement for PostgreSQL that inserts a number of inputs and predictions."""
    from predictions.models import Input, Prediction
    from predictions.services.inserts import build_insert

    insert_input, insert = (build_insert(model, row_count, is_retry=is_retry) for model in (Input, Prediction))
    return Statement(f"WITH input AS ({insert_input}) {insert}")
