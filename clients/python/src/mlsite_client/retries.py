"""When to repeat a request, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
MAX_RETRY_AFTER_SECONDS = 86_400.0  # until a daily quota starts again
IN_PROGRESS_CODE = "idempotency-key-in-use"  # status 409: the first attempt is still running


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential back-off with jitter.

    Requests that create something carry an idempotency key, so that repeating them is safe.

    Args:
        max_retries: how often a request is repeated; 0 turns retries off.
        first_seconds: the longest wait before the first retry. It doubles with each retry.
        max_seconds: the longest wait. A longer `Retry-After` of the server is respected, up to a day.
    """

    max_retries: int = 5
    first_seconds: float = 0.5
    max_seconds: float = 20.0

    def get_wait(self, attempt: int, retry_after: str | None = None) -> float:
        """Return the seconds to wait before a retry: at least `Retry-After`, and otherwise random.

        Args:
            attempt: 0 before the first retry.
        """
        wait: float = min(self.max_seconds, self.first_seconds * 2**attempt) * random.uniform(0.5, 1)  # noqa: S311  not a secret
        if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):  # a date, for example
            return wait
        return min(max(wait, float(retry_after)), MAX_RETRY_AFTER_SECONDS)


def is_retried(status: int, code: str) -> bool:
    """Return whether a response means that the same request can succeed later."""
    return status in RETRIED_STATUSES or (status == 409 and code == IN_PROGRESS_CODE)
