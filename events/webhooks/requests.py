"""One request to a webhook, and what its response means."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from django.conf import settings

from events.error_messages import build_error
from events.webhooks.addresses import AddressRefused, InvalidURL
from events.webhooks.http import RequestFailed, Response, post
from events.webhooks.signatures import build_headers

REQUEST_SECONDS = 10.0
MAX_EXCERPT_CHARACTERS = 300  # of the response, stored with the delivery
MAX_RETRY_AFTER_SECONDS = 3600.0
OUTAGE_STATUSES = (429, 502, 503, 504)  # the receiver, or a proxy before it, is overloaded or down
CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The outcome of a request.

    Args:
        status: None without a response.
        message: what is wrong; empty if the event was delivered.
        delay: seconds until the next attempt, if the receiver has requested a delay.
        details: for the list of deliveries.
    """

    status: int | None
    message: str
    delay: float | None
    details: dict[str, Any]

    @property
    def is_delivered(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """Return whether the receiver wants no more events."""
        return self.status == 410

    @property
    def is_outage(self) -> bool:
        """Return whether other events would fail too."""
        return self.status is None or self.status in OUTAGE_STATUSES


def send_event(*, url: str, valid_secrets: Sequence[str], event_id: str, body: bytes) -> Attempt:
    """Send a signed event."""
    timestamp = int(time.time())
    signed = build_headers(valid_secrets=valid_secrets, message_id=event_id, timestamp=timestamp, body=body)
    headers = {"Content-Type": CONTENT_TYPE, "User-Agent": f"mlsite/{settings.VERSION}", **signed}
    try:
        response = post(url, body=body, headers=headers, seconds=REQUEST_SECONDS)
    except (AddressRefused, RequestFailed) as error:
        return Attempt(None, error.message, None, {})
    except InvalidURL:  # the settings have changed since it was entered
        return Attempt(None, build_error("invalid-url"), None, {})
    details = {"status": response.status, "ms": round(response.seconds * 1000), "excerpt": extract_text(response.body)}
    return Attempt(response.status, describe_status(response.status), parse_retry_after(response), details)


def describe_status(status: int) -> str:
    """Return what is wrong with a response, or nothing if it is a success."""
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return build_error("redirect", status=status)
    return build_error("status", status=status)


def extract_text(body: bytes) -> str:
    """Return the beginning of a body as text that every database can store."""
    text = body[: 4 * MAX_EXCERPT_CHARACTERS].decode("utf-8", "replace")
    return "".join(character if character.isprintable() else " " for character in text)[:MAX_EXCERPT_CHARACTERS].strip()


def parse_retry_after(response: Response) -> float | None:
    """Return the delay that the header `Retry-After` requests, at most an hour, or None."""
    value = response.retry_after.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(value)
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    except (ValueError, OverflowError):  # the receiver can send anything
        return None
    return min(max(seconds, 1.0), MAX_RETRY_AFTER_SECONDS)
