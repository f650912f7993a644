"""What is removed when a user erases their account. Each app registers its part, so accounts imports no higher app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from accounts.models import User


def needs_no_account(user: User) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Eraser:
    """Removes one kind of rows of a user.

    Attributes:
        name: identifies it in `Erasure.counts`.
        title: the rows, in the plural, for the summary before an erasure. Without a title, they are not in it.
        effect: what happens to them, for the summary.
        select: returns the rows that are left of a user, in any order.
        erase: removes some of these rows in the current transaction; returns their number, and 0 if none is left.
        finish: called outside a transaction when no row is left.
        needs_account: whether rows refer to the account that stay. It then stays without a name instead of being deleted.
    """

    name: str
    title: Any
    effect: Any
    select: Callable[[User], QuerySet]
    erase: Callable[[User], int]
    needs_account: Callable[[User], bool] = needs_no_account
    finish: Callable[[], object] | None = None


ERASERS: list[Eraser] = []
"""In the order in which they run."""


def register_erasers(*erasers: Eraser) -> None:
    """Register what an app erases. Call it in `AppConfig.ready`."""
    names = {eraser.name for eraser in ERASERS}
    ERASERS.extend(eraser for eraser in erasers if eraser.name not in names)
