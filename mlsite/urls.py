"""URLs of the site. There is no /media/ URL: views check the permission for each stored file and then send it."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.urls import include, path
from django.utils.translation import gettext_lazy as _
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from accounts.views import StaffLoginView
from mlsite import errors, health, inference_protocol, metrics
from mlsite.javascript_catalog import CachedCatalogView
from mlsite.manifest import manifest

admin.site.site_title = admin.site.site_header = "mlsite"
admin.site.index_title = _("Administration")
admin.site.enable_nav_sidebar = False  # the site's header has the navigation, and the lists need the width

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/", include("mlsite.api_urls")),
    path("v2", inference_protocol.server_metadata, name="v2-metadata"),
    path("v2/health/live", inference_protocol.live, name="v2-live"),
    path("v2/health/ready", inference_protocol.ready, name="v2-ready"),
    path("v2/models/", include("predictions.api.v2.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", login_required(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="docs"),
    path("manifest.webmanifest", manifest, name="manifest"),
    path("i18n.js", CachedCatalogView.as_view(), name="javascript-catalog"),
    *([path("accounts/oidc/", include("accounts.oidc_urls"))] if settings.OIDC_ISSUER else []),
    path("accounts/", include("accounts.urls")),
    path("accounts/webhooks/", include("events.urls")),
    # Django's "view on site" redirect fails with a 500 for IDs that are not UUIDs. core.admin links to the pages directly.
    path("admin/r/<path:rest>", errors.raise_not_found),
    path("admin/login/", StaffLoginView.as_view()),  # the site has a single sign-in page
    path("admin/", admin.site.urls),
    path("", include("predictions.urls")),
    path("", include("evaluation.urls")),
    path("", include("monitoring.urls")),
    path("", include("demo.urls")),
]

handler400 = errors.bad_request
handler403 = errors.permission_denied
handler404 = errors.not_found
handler500 = errors.server_error
