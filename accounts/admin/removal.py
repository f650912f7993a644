"""Delete and anonymize users in the admin, after a page that describes the effects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import LogEntry
from django.contrib.auth import logout
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import CASCADE, ForeignObjectRel, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.services.erasure import request_erasure, summarize_erasure
from accounts.services.removal import anonymize_user, check_removal, delete_user
from core.pagination import MAX_COUNTED_ROWS, format_bounded_count

MAX_REMOVED_USERS = 100  # in one request
MAX_SUMMARIZED_USERS = 10


@dataclass(frozen=True, slots=True)
class Removal:
    """A way to remove users: the name of the action, the texts of its page, and the service.

    Attributes:
        remove: takes the user, and who requested the removal.
    """

    action: str
    title: Any
    button: Any
    done: Any
    remove: Callable[[User, User], object]


DELETION = Removal(
    "delete_selected", _("Delete users"), _("Delete"), _("Deleted"), lambda user, actor: delete_user(user=user)
)
ANONYMIZATION = Removal(
    "anonymize_selected",
    _("Anonymize users"),
    _("Anonymize"),
    _("Anonymized"),
    lambda user, actor: anonymize_user(user=user),
)
ERASURE = Removal(
    "erase_selected",
    _("Erase users and their data"),
    _("Erase"),
    _("Erased"),
    lambda user, actor: request_erasure(user=user, requested_by=actor),
)


class RemovalAdmin(admin.ModelAdmin):
    """Replace Django's deletion, which requires permissions on related rows, and add anonymization."""

    actions: Sequence[Any] = ("delete_selected", "anonymize_selected", "erase_selected")
    change_form_template = "admin/accounts/user/change_form.html"
    removal_template = "admin/accounts/user/remove.html"

    def get_urls(self) -> list[URLPattern]:
        views = {"anonymize": self.anonymize_view, "erase": self.erase_view}
        urls = [
            path(f"<path:object_id>/{name}/", self.admin_site.admin_view(view), name=f"accounts_user_{name}")
            for name, view in views.items()
        ]
        return [*urls, *super().get_urls()]

    @admin.action(description=_("Delete selected users…"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self.confirm_removal(request, queryset, DELETION)

    @admin.action(description=_("Anonymize selected users…"), permissions=["delete"])
    def anonymize_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self.confirm_removal(request, queryset, ANONYMIZATION)

    @admin.action(description=_("Erase selected users and their data…"), permissions=["delete"])
    def erase_selected(self, request: HttpRequest, queryset: QuerySet[User]) -> HttpResponse | None:
        return self.confirm_removal(request, queryset, ERASURE)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        return self.remove_one(request, object_id, DELETION)

    def anonymize_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.remove_one(request, object_id, ANONYMIZATION)

    def erase_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return self.remove_one(request, object_id, ERASURE)

    def remove_one(self, request: HttpRequest, object_id: str, removal: Removal) -> HttpResponse:
        """Show the confirmation for one user, or remove the user.

        Raises:
            Http404: there is no such user.
        """
        user = self.get_object(request, object_id)
        if user is None:
            raise Http404
        response = self.confirm_removal(request, self.get_queryset(request).filter(pk=user.pk), removal)
        return response or redirect("admin:accounts_user_changelist")

    def confirm_removal(self, request: HttpRequest, queryset: QuerySet[User], removal: Removal) -> HttpResponse | None:
        """Show the confirmation, or remove the users if it was sent, and return None.

        Raises:
            PermissionDenied: for one of the users.
        """
        users = list(queryset[: MAX_REMOVED_USERS + 1])
        if not all(self.has_delete_permission(request, user) for user in users):
            raise PermissionDenied(gettext("Only superusers can remove superusers."))
        error = _find_error(users)
        if request.POST.get("post") == "yes" and not error:
            return self.remove_users(request, users, removal)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": removal.title,
            "removal": removal,
            "users": users,
            "error": error,
            "is_own_account": any(user.pk == request.user.pk for user in users),
            "related_rows": _list_erased_rows(users) if removal is ERASURE else _count_related_rows(users, removal),
            "checkbox_name": ACTION_CHECKBOX_NAME,
        }
        return TemplateResponse(request, self.removal_template, context, status=409 if error and request.POST else 200)

    def remove_users(self, request: HttpRequest, users: Sequence[User], removal: Removal) -> HttpResponse | None:
        """Remove users one after the other. A user who removed their own account is signed out."""
        actor = cast(User, request.user)
        is_own_account = any(user.pk == actor.pk for user in users)
        for user in sorted(users, key=lambda user: user.pk == actor.pk):
            if user.pk != actor.pk:
                self.log_change(request, user, f"{removal.done}.")
            removal.remove(user, actor)
        if is_own_account:
            logout(request)
            return redirect("accounts:login")
        messages.success(request, f"{removal.done}: {len(users)}")
        return None


def _find_error(users: Sequence[User]) -> str:
    if len(users) > MAX_REMOVED_USERS:
        return gettext("Select at most %(count)d users.") % {"count": MAX_REMOVED_USERS}
    try:
        check_removal(users=users)
    except ValidationError as error:
        return " ".join(error.messages)
    return ""


def _list_erased_rows(users: Sequence[User]) -> list[tuple[str, str, str]]:
    """Return what an erasure removes of the first users, one line per kind of rows and user."""
    return [
        (f"{user.username}: {capfirst(title)}", count, effect)
        for user in users[:MAX_SUMMARIZED_USERS]
        for title, count, effect in summarize_erasure(user)
    ]


def _count_related_rows(users: Sequence[User], removal: Removal) -> list[tuple[str, str, str]]:
    """Return the name and the number of rows of each kind that belong to users, and what happens to them.

    Rows are counted up to `MAX_COUNTED_ROWS`, with the index on the user.
    """
    counts = []
    for relation in User._meta.related_objects:
        if relation.many_to_many:
            continue
        model = relation.related_model
        rows = model._default_manager.filter(**{f"{relation.field.name}__in": users}).order_by()
        count = rows[: MAX_COUNTED_ROWS + 1].count()
        if count:
            name = capfirst(str(model._meta.verbose_name_plural))
            counts.append((name, format_bounded_count(count), _describe_effect(relation, removal)))
    return counts


def _describe_effect(relation: ForeignObjectRel, removal: Removal) -> str:
    if removal is DELETION:
        return gettext("Deleted") if relation.on_delete is CASCADE else gettext("Remain without a user")
    return (
        gettext("Deleted") if relation.on_delete is CASCADE and relation.related_model is not LogEntry else gettext("Remain")
    )
