"""Promote a version, or roll back to an earlier one, after a confirmation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.generic import FormView

from accounts.permissions import PROMOTE_MODELS, has_permission
from accounts.requests import AuthenticatedRequest
from core.validators import validate_name
from inference.errors import InferenceError
from registry.errors import describe_error
from registry.models import MAX_VERSION_NUMBER, Alias, RegisteredModel
from registry.querysets import PRODUCTION
from registry.services import promote_model


class PromotionForm(forms.Form):
    version = forms.IntegerField(min_value=1, max_value=MAX_VERSION_NUMBER, widget=forms.HiddenInput)
    alias = forms.CharField(
        label=gettext_lazy("Alias"),
        max_length=Alias._meta.get_field("name").max_length,
        validators=[validate_name],
        help_text=gettext_lazy("“production” serves requests that name no version. A new name creates an alias."),
    )


class PromoteModelView(LoginRequiredMixin, FormView):
    """Show a confirmation, then point an alias to a version of a model."""

    template_name = "predictions/promote.html"
    form_class = PromotionForm
    request: AuthenticatedRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.user.is_authenticated:
            self.model = get_object_or_404(RegisteredModel.objects.visible_to(request.user), name=kwargs["name"])
            if not has_permission(request.user, PROMOTE_MODELS):
                raise PermissionDenied(_("You don't have permission to move aliases."))
            number = (request.POST if request.method == "POST" else request.GET).get("version", "")
            valid = number.isascii() and number.isdigit() and len(number) < len(str(MAX_VERSION_NUMBER))
            self.version = get_object_or_404(self.model.versions, number=int(number) if valid else 0)
        return super().dispatch(request, *args, **kwargs)

    def get_initial(self) -> dict[str, Any]:
        return {"alias": self.request.GET.get("alias", PRODUCTION), "version": self.version.number}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        aliases = list(Alias.objects.filter(model=self.model).select_related("version"))
        production = next((alias.version for alias in aliases if alias.name == PRODUCTION), None)
        return super().get_context_data(
            model=self.model, version=self.version, aliases=aliases, production=production, **kwargs
        )

    def form_valid(self, form: PromotionForm) -> HttpResponse:
        name, alias = self.model.name, form.cleaned_data["alias"]
        try:
            promote_model(name=name, number=self.version.number, alias=alias, user=self.request.user)
        except (InferenceError, ValidationError) as error:
            message = _("The alias was not changed. %(error)s") % {"error": describe_error(error)}
            form.add_error(None, message)
            return self.render_to_response(self.get_context_data(form=form), status=409)
        text = _("The alias %(alias)s now points to version %(number)s.") % {"alias": alias, "number": self.version.number}
        messages.success(self.request, text)
        return redirect(self.model)
