"""Move an alias from the admin: by superusers, with a page that asks once more."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views.generic import View

from accounts.models import User
from core.validators import validate_name
from inference.errors import InferenceError
from registry.errors import describe_error
from registry.models import Alias, ModelVersion
from registry.querysets import PRODUCTION
from registry.services import promote_model


class AliasForm(forms.Form):
    alias = forms.CharField(
        max_length=50,
        initial=PRODUCTION,
        validators=[validate_name],
        help_text="production answers to the bare name; a new name makes a new alias.",
    )


class PromoteView(View):
    """Ask whether an alias shall point at a version, then let the service do it."""

    model_admin: ModelAdmin | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if not request.user.is_superuser:
            raise PermissionDenied("You don't have permission. Superusers only.")
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest, object_id: str) -> HttpResponse:
        form = AliasForm(initial={"alias": request.GET.get("alias", PRODUCTION)})
        return self._page(request, self._version(request, object_id), form)

    def post(self, request: HttpRequest, object_id: str) -> HttpResponse:
        version = self._version(request, object_id)
        form = AliasForm(request.POST)
        if not form.is_valid():
            return self._page(request, version, form)
        alias = form.cleaned_data["alias"]
        try:
            change = promote_model(
                name=version.model.name, number=version.number, alias=alias, user=cast(User, request.user)
            )
        except (InferenceError, ValidationError) as error:
            form.add_error(None, f"{version.model.name}@{alias} stays where it is. {describe_error(error)}")
            return self._page(request, version, form, status=409)
        before = f"version {change.from_version.number}" if change.from_version else "nothing"
        messages.success(
            request, f"The alias {version.model.name}@{alias} points at version {version.number} now, before at {before}."
        )
        return redirect(reverse("admin:registry_modelversion_change", args=[version.pk]))

    def _version(self, request: HttpRequest, object_id: str) -> ModelVersion:
        version = self.model_admin.get_object(request, object_id) if self.model_admin else None
        if version is None:
            raise Http404
        return version

    def _page(self, request: HttpRequest, version: ModelVersion, form: AliasForm, status: int = 200) -> HttpResponse:
        admin: Any = self.model_admin
        context = {
            **admin.admin_site.each_context(request),
            "title": f"Promote {version}",
            "opts": version._meta,
            "original": version,
            "form": form,
            "aliases": Alias.objects.filter(model=version.model_id).select_related("version"),
        }
        return TemplateResponse(request, "admin/registry/modelversion/promote.html", context, status=status)
