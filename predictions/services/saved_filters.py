"""Save, rename, and delete filters of the history."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from core.locks import lock_row
from core.validators import remove_control_characters
from predictions.models import SavedFilter

MAX_SAVED_FILTERS = 100  # of one user


def save_filter(*, user: User, name: str, query: str) -> SavedFilter:
    """Save a query string of the history under a name. A filter with the same name gets the new query.

    Raises:
        ValidationError: the name is empty or too long, the query is too long, or the user has too many filters.
    """
    name = remove_control_characters(name).strip()
    with _lock_filters(user):
        filters = SavedFilter.objects.filter(user=user)
        existing = filters.filter(name=name).first()
        if existing is None and filters.count() >= MAX_SAVED_FILTERS:
            message = _("You can save at most %(count)s filters. Delete one first.")
            raise ValidationError(message % {"count": MAX_SAVED_FILTERS})
        row = existing or SavedFilter(user=user, name=name)
        row.query = query
        row.full_clean()
        row.save()
    return row


def rename_filter(*, saved_filter: SavedFilter, name: str) -> SavedFilter:
    """Rename a saved filter.

    Raises:
        ValidationError: the name is empty or too long, or another filter of the user has it.
        RowDeleted: the filter was deleted.
    """
    with _lock_filters(saved_filter.user):
        locked = lock_row(saved_filter)
        locked.name = remove_control_characters(name).strip()
        locked.full_clean()
        locked.save(update_fields=["name"])
    return locked


def delete_filter(*, saved_filter: SavedFilter) -> None:
    """Delete a saved filter."""
    saved_filter.delete()


@contextmanager
def _lock_filters(user: User) -> Iterator[None]:
    """Keep two requests of a user from saving a filter of the same name, or one more than allowed, at the same time."""
    with transaction.atomic():
        list(User.objects.select_for_update(no_key=True).filter(pk=user.pk).values_list("pk"))
        yield
