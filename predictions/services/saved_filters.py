"""Save, rename, and delete filters of the history."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from predictions.models import SavedFilter

MAX_SAVED_FILTERS = 100  # of one user


def save_filter(*, user: User, name: str, query: str) -> SavedFilter:
    """Save a query string of the history under a name. A filter with the same name gets the new query.

    Raises:
        ValidationError: the name is empty or too long, the query is too long, or the user has too many filters.
    """
    existing = SavedFilter.objects.filter(user=user, name=name.strip()).first()
    if existing is None and SavedFilter.objects.filter(user=user).count() >= MAX_SAVED_FILTERS:
        raise ValidationError(_("You can save at most %(count)s filters. Delete one first.") % {"count": MAX_SAVED_FILTERS})
    row = existing or SavedFilter(user=user, name=name.strip())
    row.query = query
    return _store(row)


def rename_filter(*, saved_filter: SavedFilter, name: str) -> SavedFilter:
    """Rename a saved filter.

    Raises:
        ValidationError: the name is empty or too long, or another filter of the user has it.
    """
    saved_filter.name = name.strip()
    return _store(saved_filter)


def delete_filter(*, saved_filter: SavedFilter) -> None:
    """Delete a saved filter."""
    saved_filter.delete()


def _store(row: SavedFilter) -> SavedFilter:
    with transaction.atomic():
        row.full_clean()
        row.save()
    return row
