"""Serve static files that were collected after the process had started."""

from __future__ import annotations

import os
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFilesMiddleware(WhiteNoiseMiddleware):
    """Serve static files, including those that an upgrade adds while the workers of the old release still run.

    A page of a new worker refers to files that an old worker has not listed when it started. Without them, the browser shows
    the page without styles.
    """

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self.directories = [(os.path.join(os.path.abspath(settings.STATIC_ROOT), ""), self.static_prefix)]

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        path = request.path_info
        if path.startswith(self.static_prefix) and path not in self.files and (file := self._find_new_file(path)):
            self.files[path] = file
        response: HttpResponseBase = super().__call__(request)
        return response

    def _find_new_file(self, path: str) -> Any:
        try:
            return self.find_file(path)
        except (OSError, ValueError):  # a name that the file system does not accept
            return None
