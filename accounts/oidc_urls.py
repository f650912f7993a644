"""URLs below /accounts/oidc/, if `OIDC_ISSUER` is set."""

from django.urls import path

from accounts.views import oidc

app_name = "oidc"
urlpatterns = [
    path("login/", oidc.BeginView.as_view(), name="login"),
    path("callback/", oidc.CallbackView.as_view(), name="callback"),
    path("signed-out/", oidc.SignedOutView.as_view(), name="signed_out"),
]
