"""Users in the admin. Nobody can give others more rights than they have: only superusers change rights and superusers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminPasswordChangeForm, SetUnusablePasswordMixin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.removal import MAX_REMOVED_USERS, RemovalAdmin
from accounts.backends import get_permission_names
from accounts.models import User
from accounts.services.second_factor import remove_second_factor
from core.admin import GuardedAdmin

RIGHTS_FIELDS = ("is_staff", "is_superuser", "groups", "user_permissions")


class PasswordForm(AdminPasswordChangeForm):
    """Django's form, with its help text in the user's language: Django translates that one when it starts."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        if "usable_password" in self.fields:
            warning = gettext("If disabled, the current password for this user will be lost.")
            self.fields["usable_password"].help_text = format_html(
                '{}<ul id="id_unusable_warning" class="messagelist"><li class="warning">{}</li></ul>',
                SetUnusablePasswordMixin.usable_password_help_text,
                warning,
            )


@admin.register(User)
class UserAdmin(GuardedAdmin, RemovalAdmin, DjangoUserAdmin):
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    fieldsets = (*(DjangoUserAdmin.fieldsets or ()), (_("Limits"), {"fields": ("daily_quota",)}))

    change_password_form = PasswordForm
    actions = (*RemovalAdmin.actions, "remove_second_factors")

    @admin.action(description=_("Remove the second factor of the selected users"), permissions=["change"])
    def remove_second_factors(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        users = list(queryset[: MAX_REMOVED_USERS + 1])
        if len(users) > MAX_REMOVED_USERS:
            messages.error(request, gettext("Select at most %(count)d users.") % {"count": MAX_REMOVED_USERS})
            return
        if not all(_may_change(request, user) for user in users):
            raise PermissionDenied(gettext("Only superusers can change users who have more permissions than they have."))
        count = sum(remove_second_factor(user=user) for user in users)
        messages.success(request, gettext("Users whose second factor was removed: %(count)d") % {"count": count})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, *RIGHTS_FIELDS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_change(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_change(request, obj)


def _may_change(request: HttpRequest, user: User | None) -> bool:
    """Return whether the account of a user, or of any user, can be changed: whoever can change its password can sign in."""
    if user is None or request.user.is_superuser or user.pk == request.user.pk:
        return True
    # Django reports no permissions for an inactive user, who has them again as soon as the account is activated.
    permissions = user.get_all_permissions() | get_permission_names(user)
    return not user.is_superuser and permissions <= request.user.get_all_permissions()
