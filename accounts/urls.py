"""URLs below /accounts/."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth import views as auth_views
from django.http.response import HttpResponseBase
from django.urls import path, reverse_lazy

from accounts import views
from accounts.views.sign_in import require_passwords

app_name = "accounts"


def build_auth_view(view: type[Any], name: str, **options: object) -> Callable[..., HttpResponseBase]:
    """Return one of Django's password views with the template `accounts/<name>.html`."""
    return require_passwords(view.as_view(template_name=f"accounts/{name}.html", **options))


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
    path("erase/", views.EraseView.as_view(), name="erase"),
    path("erase/<uuid:pk>/", views.ErasureView.as_view(), name="erasure"),
    path("email/", require_passwords(views.EmailView.as_view()), name="email"),
    path("language/", views.LanguageView.as_view(), name="language"),
    path("signup/", views.SignUpView.as_view(), name="signup"),
    path("signup/check/", views.SignUpCheckView.as_view(), name="signup_check"),
    path("login/", views.SignInView.as_view(), name="login"),
    path("logout/", views.SignOutView.as_view(), name="logout"),
    path("password/", password_change, name="password_change"),
    path("password/done/", password_change_done, name="password_change_done"),
    path("reset/", password_reset, name="password_reset"),
    path("reset/done/", password_reset_done, name="password_reset_done"),
    path("reset/<uidb64>/<token>/", password_reset_confirm, name="password_reset_confirm"),
    path("reset/complete/", password_reset_complete, name="password_reset_complete"),
    path("second-factor/", views.SecondFactorView.as_view(), name="second_factor"),
    path("second-factor/code/", views.SignInCodeView.as_view(), name="second_factor_code"),
    path("second-factor/set-up/", views.SetUpView.as_view(), name="second_factor_set_up"),
    path("second-factor/recovery-codes/", views.RecoveryCodesView.as_view(), name="recovery_codes"),
    path("second-factor/remove/", views.RemoveView.as_view(), name="remove_second_factor"),
    path("form/", views.UnsentFormView.as_view(), name="unsent_form"),
    path("tokens/", views.TokensView.as_view(), name="tokens"),
    path("tokens/<uuid:pk>/revoke/", views.RevokeTokenView.as_view(), name="revoke_token"),
]
