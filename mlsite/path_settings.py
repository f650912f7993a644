"""Settings of a site below a path of its host, such as https://example.org/models-site/."""

from __future__ import annotations

import re
from typing import Any

# Health checks and Prometheus reach the server directly, without HTTPS. Proxies must not serve `metrics`.
UNPROTECTED_PATHS = ("healthz", "readyz", "metrics")


def build_path_settings(script_name: str) -> dict[str, Any]:
    """Return the settings that depend on the path of the site: its URLs, its static files, and its cookies.

    Below a path, cookies have names of their own: browsers send those of other sites on the host too, and Django would read
    the wrong one.

    Args:
        script_name: the path without a trailing slash; empty for a site at the root of its host.
    """
    path, start = f"{script_name}/", re.escape(script_name.removeprefix("/"))
    pattern = rf"^{start}/{{}}$" if script_name else "^{}$"
    settings: dict[str, Any] = {
        "FORCE_SCRIPT_NAME": script_name or None,
        "STATIC_URL": f"{path}static/",
        "SECURE_REDIRECT_EXEMPT": [pattern.format(name) for name in UNPROTECTED_PATHS],
        "SESSION_COOKIE_PATH": path,
        "CSRF_COOKIE_PATH": path,
        "LANGUAGE_COOKIE_PATH": path,
    }
    if script_name:
        settings |= {"SESSION_COOKIE_NAME": "mlsite_sessionid", "CSRF_COOKIE_NAME": "mlsite_csrftoken"}
        settings |= {"LANGUAGE_COOKIE_NAME": "mlsite_language"}
    return settings
