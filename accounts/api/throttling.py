"""Limit the API requests of a user. The setting `API_RATE` is the limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.throttling import UserRateThrottle

from accounts.services.usage import LimitReached, count_request

if TYPE_CHECKING:  # rest_framework.views imports this module
    from rest_framework.request import Request
    from rest_framework.views import APIView


class SharedRateThrottle(UserRateThrottle):
    """Count the requests of a user over all processes. Those without a user are counted per process and address."""

    wait_seconds = 0

    def allow_request(self, request: Request, view: APIView | None) -> bool:
        if self.rate is None:
            return True
        if not (request.user and request.user.is_authenticated):
            return super().allow_request(request, view)  # type: ignore[arg-type]
        limit, seconds = self.parse_rate(self.rate)
        if limit is None or seconds is None:
            return True
        try:
            count_request(user=request.user, limit=limit, seconds=seconds)
        except LimitReached as error:
            self.wait_seconds = error.retry_after_seconds
            return False
        return True

    def wait(self) -> float | None:
        return self.wait_seconds or super().wait()
