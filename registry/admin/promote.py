"""The page on which users with the permission point an alias to a version."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.auth.mixins import UserPassesTestMixin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import FormView

from accounts.models import User
from accounts.permissions import PROMOTE_MODELS, has_permission
from core.validators import validate_name
from inference.errors import InferenceError
from registry.errors import describe_error
from registry.models import Alias, ModelVersion
from registry.querysets import PRODUCTION
from registry.services import promote_model


class AliasForm(forms.Form):
    alias = forms.CharField(
        label=_("Alias"),
        max_length=Alias._meta.get_field("name").max_length,
        validators=[validate_name],
        help_text=_("“production” serves requests that name no version. A new name creates an alias."),
    )


class PromoteView(UserPassesTestMixin, FormView):
    """Show a form to point an alias to a version, and call the service when the form is submitted."""

    model_admin: ModelAdmin | None = None
    template_name = "admin/registry/modelversion/promote.html"
    form_class = AliasForm
    raise_exception = True
    permission_denied_message = _("You don't have permission to move aliases.")

    def test_func(self) -> bool:
        return has_permission(self.request.user, PROMOTE_MODELS)

    @cached_property
    def version(self) -> ModelVersion:
        admin: Any = self.model_admin
        version = admin.get_object(self.request, self.kwargs["object_id"])
        if version is None:
            raise Http404
        return version

    def get_initial(self) -> dict[str, Any]:
        return {"alias": self.request.GET.get("alias", PRODUCTION)}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        admin: Any = self.model_admin
        return super().get_context_data(
            **admin.admin_site.each_context(self.request),
            title=gettext("Promote %(version)s") % {"version": self.version},
            opts=self.version._meta,
            original=self.version,
            aliases=Alias.objects.filter(model=self.version.model_id).select_related("version"),
            **kwargs,
        )

    def form_valid(self, form: AliasForm) -> HttpResponse:
        name, alias = self.version.model.name, form.cleaned_data["alias"]
        user = cast(User, self.request.user)
        try:
            change = promote_model(name=name, number=self.version.number, alias=alias, user=user)
        except (InferenceError, ValidationError) as error:
            values = {"alias": f"{name}@{alias}", "error": describe_error(error)}
            form.add_error(None, gettext("%(alias)s was not changed. %(error)s") % values)
            return self.render_to_response(self.get_context_data(form=form), status=409)
        values = {"alias": f"{name}@{alias}", "number": str(self.version.number)}
        if change.from_version:
            text = gettext("The alias %(alias)s now points to version %(number)s, previously to version %(previous)s.")
            values["previous"] = str(change.from_version.number)
        else:
            text = gettext("The alias %(alias)s now points to version %(number)s.")
        messages.success(self.request, text % values)
        return redirect(reverse("admin:registry_modelversion_change", args=[self.version.pk]))
