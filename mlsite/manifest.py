"""The web app manifest, with which phones can install the site."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils.translation import get_language, gettext

ACCENT, GROUND = "#0f766e", "#f7f9f9"  # `--button` and `--ground` in static/mlsite/tokens.css


def manifest(request: HttpRequest) -> JsonResponse:
    """Return the manifest (https://www.w3.org/TR/appmanifest/) in the language of the page."""
    icons = [
        {"src": static(f"mlsite/icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
        for size in (192, 512)
        for purpose in ("any", "maskable")
    ]
    content = {
        "name": "mlsite",
        "short_name": "mlsite",
        "description": gettext("Run trained models and keep a record of every prediction."),
        "lang": get_language(),
        "id": get_script_prefix(),
        "start_url": reverse("predictions:predict"),
        "scope": get_script_prefix(),
        "display": "standalone",
        "theme_color": ACCENT,
        "background_color": GROUND,
        "icons": icons,
    }
    return JsonResponse(content, content_type="application/manifest+json")
