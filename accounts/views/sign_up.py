"""Sign-up."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, resolve_url
from django.utils.decorators import method_decorator
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from accounts.forms import SignUpForm
from accounts.requests import get_client_network
from accounts.services import create_user
from accounts.services.attempts import count_attempt
from accounts.views.limits import render_limited


class SignUpView(FormView):
    """Create an account and sign in. The page returns 404 if `ALLOW_SIGNUP` is false."""

    template_name = "accounts/signup.html"
    form_class = SignUpForm

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if not settings.ALLOW_SIGNUP:
            raise Http404("Sign-up is closed.")
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def get_success_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        limit, key = settings.MAX_SIGNUPS_PER_HOUR, get_client_network(self.request)
        if seconds := count_attempt(kind="sign-up", key=key, limit=limit):
            return render_limited(self.request, gettext("There were too many sign-ups from your network."), seconds)
        data = form.cleaned_data
        try:
            user = create_user(username=data["username"], password=data["password1"], email=data["email"])
        except ValidationError as error:
            form.add_error(None if hasattr(error, "error_dict") else "username", error)
            return self.form_invalid(form)
        login(self.request, user, backend=settings.AUTHENTICATION_BACKENDS[-1])
        text = gettext("Welcome, %(name)s. Your account is ready.") % {"name": user.username}
        messages.success(self.request, text)
        return super().form_valid(form)


@method_decorator([sensitive_post_parameters(), csrf_exempt], "dispatch")
class SignUpCheckView(SignUpView):
    """Return the mistakes of the field that the user has left. Nothing is looked up in the database, and nothing stored.

    A check can arrive after the form was sent. The CSRF token has changed then, and the user is signed in.
    """

    http_method_names = ["post"]

    def dispatch(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponseBase:
        if request.user.is_authenticated:
            return HttpResponse(status=204)
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        form = SignUpForm(request.POST, is_check=True)
        name = request.POST.get("field", "")
        if name not in form.fields:
            raise Http404("There is no such field.")
        return HttpResponse(str(form.errors.get(name, "")))
