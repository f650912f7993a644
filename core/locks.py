"""Change rows that other requests can change or delete at the same time."""

from __future__ import annotations

from typing import TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError
from django.db.models import Model
from django.http import Http404

DEADLOCK_CODE = "40P01"  # SQLSTATE of deadlock_detected

M = TypeVar("M", bound=Model)


class RowDeleted(Http404):
    """Another request has deleted the row since it was found. Nothing was changed. Pages and the API respond with a 404."""

    code = "not-found"


def is_deadlock(error: OperationalError) -> bool:
    """Return whether PostgreSQL has ended a transaction that waited for another one, which waited for it."""
    return getattr(error.__cause__, "pgcode", None) == DEADLOCK_CODE


def lock_row(row: M) -> M:
    """Return the current row of an object, locked until the end of the transaction.

    To change some fields, set them on the returned object and save only these. The object that was passed can be outdated:
    saving all its fields would undo what others have changed meanwhile.

    Raises:
        RowDeleted: the row does not exist any more.
    """
    manager = row.__class__._default_manager  # `type` would return the class of the proxy for `request.user`
    locked = manager.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        raise RowDeleted
    return locked


def refresh_row(row: Model, *, fields: list[str] | None = None) -> None:
    """Load the current values of an object, without a lock.

    Raises:
        RowDeleted: the row does not exist any more.
    """
    try:
        row.refresh_from_db(fields=fields)
    except ObjectDoesNotExist as error:
        raise RowDeleted from error
