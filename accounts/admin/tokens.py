"""API tokens in the admin."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.forms import ScopesField
from accounts.models import ApiToken, User
from accounts.services import create_token_once, revoke_token
from accounts.services.tokens import describe_existing_token
from core.admin import GuardedAdmin
from core.forms import SUBMISSION_KEY_FIELD

STATES = {"active": _("Active"), "expired": _("Expired"), "revoked": _("Revoked")}


class AddTokenForm(forms.ModelForm):
    """A new token."""

    scopes = ScopesField(label=_("Scopes"))


@admin.register(ApiToken)
class ApiTokenAdmin(GuardedAdmin):
    list_display = ("name", "prefix", "user", "scopes", "shown_state", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("created_at", "revoked_at")
    search_fields = ("name", "prefix", "user__username")
    autocomplete_fields = ("user",)
    fields = ("user", "name", "scopes", "expires_at", "prefix", "shown_state", "created_at", "last_used_at", "revoked_at")
    add_fields = ("user", "name", "scopes", "expires_at")
    readonly_fields = ("prefix", "shown_state", "created_at", "last_used_at", "revoked_at")
    form = AddTokenForm
    secret_fields = ("digest",)
    actions = ("revoke_selected",)

    @admin.display(description=_("state"))
    def shown_state(self, token: ApiToken) -> str:
        return str(STATES[token.state])

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.add_fields

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.fields if obj else self.readonly_fields

    def formfield_for_foreignkey(self, db_field: ForeignKey, request: HttpRequest, **kwargs: Any) -> Any:
        """Let only superusers create tokens for others: a token has the rights of its user."""
        if db_field.name == "user" and not request.user.is_superuser:
            kwargs["queryset"] = User.objects.filter(username=request.user.get_username())
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def has_delete_permission(self, request: HttpRequest, obj: ApiToken | None = None) -> bool:
        """Return False. Revoked tokens stay in the database as a record of who had access."""
        return False

    def save_model(self, request: HttpRequest, obj: ApiToken, form: forms.ModelForm, change: bool) -> None:
        if change:
            return
        token, secret = create_token_once(
            submitted_by=cast(User, request.user),
            key=request.POST.get(SUBMISSION_KEY_FIELD, ""),
            content=["token of the admin", str(obj.user_id), obj.name, str(obj.expires_at), obj.scopes],
            user=obj.user,
            name=obj.name,
            expires_at=obj.expires_at,
            scopes=obj.scopes.split(),
        )
        obj.pk = token.pk
        obj.refresh_from_db()
        if not secret:
            messages.warning(request, describe_existing_token(token))
            return
        messages.warning(request, gettext("Copy the token now. It is shown only once: %(secret)s") % {"secret": secret})

    @admin.action(description=_("Revoke the selected tokens"), permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[ApiToken]) -> None:
        for token in queryset:
            revoke_token(token=token)
        messages.success(request, gettext("The selected tokens are revoked. Requests that use them are rejected."))
