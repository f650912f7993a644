"""What erasures remove of the rows of accounts."""

from __future__ import annotations

from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _

from accounts.erasers import Eraser
from accounts.models import IdempotencyKey, Usage, User

ROWS_PER_TRANSACTION = 500
DELETED = _("Deleted")


def delete_some(rows: QuerySet) -> int:
    """Delete some rows; return their number."""
    keys = select_some(rows)
    rows.model._default_manager.filter(pk__in=keys).delete()
    return len(keys)


def unlink_some(rows: QuerySet, field: str) -> int:
    """Set a nullable key of some rows to null; return their number."""
    keys = select_some(rows)
    rows.model._default_manager.filter(pk__in=keys).update(**{field: None})
    return len(keys)


def select_some(rows: QuerySet) -> list[Any]:
    """Return the primary keys of some rows, in order, so that two processes cannot deadlock."""
    return list(rows.order_by("pk").values_list("pk", flat=True)[:ROWS_PER_TRANSACTION])


def build_deletion(model: type[Model], field: str) -> Eraser:
    """Return an eraser that deletes the rows of a model that belong to the user."""

    def select(user: User) -> QuerySet:
        return model._default_manager.filter(**{field: user.pk})

    options = model._meta
    return Eraser(options.label_lower, options.verbose_name_plural, DELETED, select, lambda user: delete_some(select(user)))


ACCOUNT_ERASERS = (build_deletion(LogEntry, "user"), build_deletion(Usage, "user"), build_deletion(IdempotencyKey, "user"))
