"""Visibility of rows: users see their own rows, and all rows with a permission. All entry points use `visible_to`."""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

from django.db.models import QuerySet


class Viewer(Protocol):
    """The attributes of a user that determine visibility. Anonymous users have no `can_view_all`."""

    @property
    def is_authenticated(self) -> bool: ...

    @property
    def is_active(self) -> bool: ...


class VisibleQuerySet(QuerySet):
    """Rows that belong to a user, by the field named in `owner_field`."""

    owner_field: ClassVar[str] = "user"
    view_all_attribute: ClassVar[str] = "can_view_all"  # of users who see the rows of all users

    def visible_to(self, user: Viewer) -> Self:
        """Return the rows that a user can see. Anonymous and inactive users see no rows."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        return self.all() if getattr(user, self.view_all_attribute, False) else self.owned_by(user)

    def owned_by(self, user: Viewer) -> Self:
        """Return the user's own rows."""
        return self.filter(**{self.owner_field: user})
