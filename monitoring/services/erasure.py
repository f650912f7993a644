"""What erasures remove of the users in rollups. The counts remain, under a number that belongs to nobody."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.erasers import Eraser
from accounts.models import User
from accounts.services.erased_rows import unlink_some
from monitoring.models import CountedUser


def select_counted(user: User) -> QuerySet[CountedUser]:
    return CountedUser.objects.filter(user=user.pk)


ERASERS = (
    Eraser("monitoring.counteduser.user", "", "", select_counted, lambda user: unlink_some(select_counted(user), "user")),
)
