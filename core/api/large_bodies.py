"""Bound the memory of large request bodies."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.views import APIView

from inference.errors import Overloaded

LARGE_BYTES = 2**20
MAX_LARGE_REQUESTS = 2  # per process. More are not faster, because parsing and validating hold the interpreter's lock
_large_requests = threading.BoundedSemaphore(MAX_LARGE_REQUESTS)


class LargeBodyMixin(APIView):
    """A view that accepts large bodies. Few of them are processed at once, and their memory is freed with the response.

    8 MB of JSON can take 200 MB once it is parsed. Without this class, 16 such requests took 7 GB, and 4 GB of it until the
    next full garbage collection, because requests and serializers of REST framework are cycles. 24 requests with 60 MB of
    images took 1.5 GB.
    """

    _is_large = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the permissions, and wait until a large body can be processed.

        Raises:
            Overloaded: other large bodies take too long.
        """
        super().initial(request, *args, **kwargs)
        if int(request.META.get("CONTENT_LENGTH") or 0) <= LARGE_BYTES:
            return
        if not _large_requests.acquire(timeout=settings.PREDICT_TIMEOUT):
            raise Overloaded("The server is processing other large requests. Try again in a moment.")
        self._is_large = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Process the request, and drop its parsed body."""
        try:
            return super().dispatch(request, *args, **kwargs)
        finally:
            if self._is_large:
                _large_requests.release()
                self._drop_body()

    def _drop_body(self) -> None:
        """Empty the parsed body, to which the view and the fields of serializers refer in cycles."""
        self.request.parser_context = {}
        data = self.request.__dict__.get("_full_data")
        if isinstance(data, dict):
            for value in dict.values(data):
                if isinstance(value, list | dict):
                    _close_files(value)
                    value.clear()
            dict.clear(data)  # a QueryDict does not allow this otherwise


def _close_files(values: Iterable[Any]) -> None:
    """Free the content of the files in a part of a form. A serializer has a list of them of its own."""
    for value in values:
        if isinstance(value, File) and value.file:
            value.file.close()
