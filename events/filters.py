"""Filters of webhooks and their deliveries."""

from __future__ import annotations

import django_filters as filters
from django.db.models import QuerySet

from core.filters import StrictFilterSet, UTCDateTimeFilter
from events.event_types import TEST_EVENT_TYPE, list_event_types
from events.models import Delivery, Webhook


def list_event_names() -> list[tuple[str, str]]:
    """Return the choices of events that a webhook can receive."""
    return [(event_type.name, event_type.name) for event_type in list_event_types()]


def list_delivered_names() -> list[tuple[str, str]]:
    """Return the choices of events that can have been sent to a webhook: also test events."""
    return [*list_event_names(), (TEST_EVENT_TYPE, TEST_EVENT_TYPE)]


class WebhookFilter(StrictFilterSet):
    """Filters of webhooks."""

    state = filters.ChoiceFilter(choices=Webhook.State.choices)
    event = filters.ChoiceFilter(choices=list_event_names, method="filter_event")

    def filter_event(self, queryset: QuerySet[Webhook], name: str, value: str) -> QuerySet[Webhook]:
        """Select the webhooks that receive a type of events. SQLite cannot search in a list, and a user has few webhooks."""
        return queryset.filter(pk__in=[webhook.pk for webhook in queryset if value in webhook.event_types])


class DeliveryFilter(StrictFilterSet):
    """Filters of the deliveries of a webhook. They read its deliveries from the newest one until the page is full."""

    state = filters.ChoiceFilter(choices=Delivery.State.choices)
    event = filters.ChoiceFilter(choices=list_delivered_names, method="filter_event")
    created_after = UTCDateTimeFilter(field_name="event__created_at", lookup_expr="gte")
    created_before = UTCDateTimeFilter(field_name="event__created_at", lookup_expr="lt")

    def filter_event(self, queryset: QuerySet[Delivery], name: str, value: str) -> QuerySet[Delivery]:
        return queryset.filter(event__type=value)
