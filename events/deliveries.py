"""The deliveries of a webhook, page by page."""

from __future__ import annotations

from dataclasses import dataclass

from events.models import Delivery, Webhook

PAGE_SIZE = 50
MAX_ID_DIGITS = 18


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """Deliveries, newest event first, and the ID of the event that leads to older ones."""

    rows: list[Delivery]
    before: int | None


def get_delivery_page(webhook: Webhook, *, before: int | None = None) -> DeliveryPage:
    """Return the newest deliveries of a webhook, or those of the events before an ID, in two queries.

    With a join, PostgreSQL can read all newer events first.
    """
    deliveries = Delivery.objects.filter(target=webhook.target).prefetch_related("event").order_by("-event_id")
    if before is not None:
        deliveries = deliveries.filter(event__lt=before)
    rows = list(deliveries[: PAGE_SIZE + 1])
    has_more, rows = len(rows) > PAGE_SIZE, rows[:PAGE_SIZE]
    return DeliveryPage(rows, rows[-1].event_id if has_more else None)


def parse_delivery_id(text: str) -> int | None:
    """Return the ID of a delivery or of an event, or None if the text is no such ID."""
    is_id = text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS
    return int(text) if is_id else None


def has_failed_delivery(webhook: Webhook) -> bool:
    """Return whether a webhook has a failed delivery. The order selects its own index instead of that of all targets."""
    failed = Delivery.objects.filter(target=webhook.target, state=Delivery.State.FAILED)
    return bool(failed.order_by("-event_id").values_list("pk", flat=True)[:1])
