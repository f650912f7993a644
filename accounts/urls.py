"""URLs below /accounts/."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import views as auth_views
from django.http.response import HttpResponseBase
from django.urls import path, reverse_lazy

from accounts import views
from accounts.views import erasure

app_name = "accounts"


def build_auth_view(view: type[Any], name: str, **options: object) -> Callable[..., HttpResponseBase]:
    """Return one of Django's account views with the template `accounts/<name>.html`."""
    return view.as_view(template_name=f"accounts/{name}.html", **options)


login = build_auth_view(auth_views.LoginView, "login", redirect_authenticated_user=True)
password_change = build_auth_view(
    views.PasswordChangeView, "password_change", success_url=reverse_lazy("accounts:password_change_done")
)
password_change_done = build_auth_view(auth_views.PasswordChangeDoneView, "password_change_done")
password_reset = build_auth_view(
    views.PasswordResetView, "password_reset", success_url=reverse_lazy("accounts:password_reset_done")
)
password_reset_done = build_auth_view(auth_views.PasswordResetDoneView, "password_reset_done")
password_reset_confirm = build_auth_view(
    views.PasswordResetConfirmView,
    "password_reset_confirm",
    success_url=reverse_lazy("accounts:password_reset_complete"),
)
password_reset_complete = build_auth_view(auth_views.PasswordResetCompleteView, "password_reset_complete")

urlpatterns = [
    path("", views.ProfileView.as_view(), name="profile"),
    path("erase/", erasure.EraseView.as_view(), name="erase"),
    path("erase/<uuid:pk>/", erasure.ErasureView.as_view(), name="erasure"),
    path("email/", views.EmailView.as_view(), name="email"),
    path("language/", views.LanguageView.as_view(), name="language"),
    path("signup/", views.SignUpView.as_view(), name="signup"),
    path("signup/check/", views.SignUpCheckView.as_view(), name="signup_check"),
    path("login/", login, name="login"),
    path("logout/", auth_views.LogoutView.as_view(), name="logout"),
    path("password/", password_change, name="password_change"),
    path("password/done/", password_change_done, name="password_change_done"),
    path("reset/", password_reset, name="password_reset"),
    path("reset/done/", password_reset_done, name="password_reset_done"),
    path("reset/<uidb64>/<token>/", password_reset_confirm, name="password_reset_confirm"),
    path("reset/complete/", password_reset_complete, name="password_reset_complete"),
    path("tokens/", views.TokensView.as_view(), name="tokens"),
    path("tokens/<uuid:pk>/revoke/", views.RevokeTokenView.as_view(), name="revoke_token"),
]
