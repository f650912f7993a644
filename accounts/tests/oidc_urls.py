"""The URLs of a site with an OpenID Connect provider, for tests."""

from django.urls import include, path

from mlsite import urls
from mlsite.urls import handler400, handler403, handler404, handler500  # noqa: F401

urlpatterns = [path("accounts/oidc/", include("accounts.oidc_urls")), *urls.urlpatterns]
