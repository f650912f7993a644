"""Addresses below /accounts/."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import views as auth
from django.http.response import HttpResponseBase
from django.urls import path, reverse_lazy

from accounts import views

app_name = "accounts"


def page(view: type[Any], name: str, **options: object) -> Callable[..., HttpResponseBase]:
    """Return one of Django's own account views with our template and addresses."""
    return view.as_view(template_name=f"accounts/{name}.html", **options)


done = reverse_lazy("accounts:password_reset_done")
changed = reverse_lazy("accounts:password_change_done")
complete = reverse_lazy("accounts:password_reset_complete")
reset_mail = {
    "email_template_name": "accounts/password_reset_email.txt",
    "subject_template_name": "accounts/password_reset_subject.txt",
}

urlpatterns = [
    path("", views.ProfileView.as_view(), name="profile"),
    path("signup/", views.SignUpView.as_view(), name="signup"),
    path("login/", page(auth.LoginView, "login", redirect_authenticated_user=True), name="login"),
    path("logout/", auth.LogoutView.as_view(), name="logout"),
    path("password/", page(auth.PasswordChangeView, "password_change", success_url=changed), name="password_change"),
    path("password/done/", page(auth.PasswordChangeDoneView, "password_change_done"), name="password_change_done"),
    path("reset/", page(auth.PasswordResetView, "password_reset", success_url=done, **reset_mail), name="password_reset"),
    path("reset/done/", page(auth.PasswordResetDoneView, "password_reset_done"), name="password_reset_done"),
    path(
        "reset/<uidb64>/<token>/",
        page(auth.PasswordResetConfirmView, "password_reset_confirm", success_url=complete),
        name="password_reset_confirm",
    ),
    path("reset/complete/", page(auth.PasswordResetCompleteView, "password_reset_complete"), name="password_reset_complete"),
    path("tokens/", views.TokensView.as_view(), name="tokens"),
    path("tokens/<uuid:pk>/revoke/", views.RevokeTokenView.as_view(), name="revoke_token"),
]
