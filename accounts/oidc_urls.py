"""URLs below /accounts/oidc/, if `OIDC_ISSUER` is set."""

from django.urls import path

from accounts import oidc_views

app_name = "oidc"
urlpatterns = [
    path("login/", oidc_views.BeginView.as_view(), name="login"),
    path("callback/", oidc_views.CallbackView.as_view(), name="callback"),
    path("signed-out/", oidc_views.SignedOutView.as_view(), name="signed_out"),
]
