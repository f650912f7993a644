"""Events and their deliveries in the admin: read-only, with the action to send them again."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from accounts.permissions import SEND_EVENTS, VIEW_EVENTS, has_permission
from core.admin import ReadOnlyAdmin, render_json, render_link
from core.fields import parse_uuid
from core.formatting import NOT_AVAILABLE
from events.error_messages import translate_error
from events.models import Delivery, Event, Webhook
from events.models.webhook import TARGET_PREFIX
from events.services.resend import send_again
from events.services.webhooks import pause_webhook, resume_webhook


class EventAdmin(ReadOnlyAdmin):
    """Base class: who can view events, and who can send them again."""

    sortable_by = ()

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_permission(request.user, VIEW_EVENTS)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return has_permission(request.user, VIEW_EVENTS)

    def has_send_permission(self, request: HttpRequest) -> bool:
        return has_permission(request.user, SEND_EVENTS)

    def send_deliveries(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        count = send_again(deliveries=deliveries)
        text = ngettext("%(count)s delivery is sent again.", "%(count)s deliveries are sent again.", count)
        self.message_user(request, text % {"count": count})


class DeliveryInline(admin.TabularInline):
    """The deliveries of an event."""

    model = Delivery
    fields = readonly_fields = ("target", "state", "attempts", "next_attempt_at", "shown_error", "ended_at")
    ordering = ("target",)
    can_delete = False
    extra = 0

    @admin.display(description=_("error"))
    def shown_error(self, delivery: Delivery) -> str:
        return _translate_delivery(delivery)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return has_permission(request.user, VIEW_EVENTS)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Event)
class EventListAdmin(EventAdmin):
    ordering = ("-id",)
    list_display = ("event_id", "type", "subject", "user", "created_at", "is_fanned_out")
    list_select_related = ("user",)
    search_fields = ("uuid",)
    search_help_text = _("ID of the event")
    fields = ("event_id", "type", "subject", "key", "user", "created_at", "is_fanned_out", "data_json")
    readonly_fields = ("event_id", "created_at", "data_json")
    inlines = (DeliveryInline,)
    actions = ("send_again",)

    @admin.display(description=_("ID"))
    def event_id(self, event: Event) -> str:
        return str(event.uuid)

    @admin.display(description=_("data"))
    def data_json(self, event: Event) -> str:
        return NOT_AVAILABLE if event.data is None else render_json(event.data)

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search by the ID, which has an index."""
        term = search_term.strip()
        return (queryset.filter(uuid=parse_uuid(term)) if term else queryset), False

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Event]) -> None:
        self.send_deliveries(request, Delivery.objects.filter(event__in=queryset))


@admin.register(Delivery)
class DeliveryAdmin(EventAdmin):
    ordering = ("-id",)
    list_display = ("event", "target", "state", "attempts", "ended_at", "shown_error")
    list_select_related = ("event",)
    list_filter: ClassVar[Any] = ("state",)
    fields = ("event", "target_link", "state", "attempts", "next_attempt_at", "ended_at", "shown_error", "details_json")
    readonly_fields = ("target_link", "shown_error", "details_json")
    actions = ("send_again",)

    @admin.display(description=_("target"))
    def target_link(self, delivery: Delivery) -> str:
        """Return the target. That of a webhook is a link to it."""
        kind, _separator, key = delivery.target.partition(":")
        pk = parse_uuid(key) if kind == TARGET_PREFIX else None
        webhook = Webhook.objects.filter(pk=pk).first() if pk else None
        return render_link(webhook, delivery.target) if webhook else delivery.target

    @admin.display(description=_("error"))
    def shown_error(self, delivery: Delivery) -> str:
        return _translate_delivery(delivery)

    @admin.display(description=_("details"))
    def details_json(self, delivery: Delivery) -> str:
        return NOT_AVAILABLE if delivery.details is None else render_json(delivery.details)

    @admin.action(description=_("Send again"), permissions=["send"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        self.send_deliveries(request, queryset)


@admin.register(Webhook)
class WebhookAdmin(EventAdmin):
    """Webhooks, without their secrets."""

    ordering = ("-id",)
    list_display = ("url", "user", "state", "failure_count", "failing_since", "created_at")
    list_select_related = ("user",)
    list_filter: ClassVar[Any] = ("state",)
    search_fields = ("url", "user__username")
    search_help_text = _("Part of the URL or of a username")
    fields: ClassVar[Any] = (
        *("user", "url", "description", "shown_event_types", "state", "disabled_reason", "disabled_at"),
        *("shown_error", "owner_notified_at"),
        *("failure_count", "failing_since", "previous_secret_expires_at", "created_at"),
    )
    readonly_fields = ("owner_notified_at", "created_at", "shown_event_types", "shown_error")
    secret_fields = ("secret", "previous_secret")
    actions = ("pause_selected", "resume_selected", "send_failed_again")

    def view_on_site(self, obj: Any) -> None:
        """Return no URL, because only the user of a webhook can open its page."""

    @admin.display(description=_("last error"))
    def shown_error(self, webhook: Webhook) -> str:
        text, code = webhook.disabled_error, webhook.disabled_error_code
        return translate_error(text, code=code, values=webhook.disabled_error_values) or NOT_AVAILABLE

    @admin.display(description=_("events"))
    def shown_event_types(self, webhook: Webhook) -> str:
        return ", ".join(webhook.event_types)

    @admin.action(description=_("Pause"), permissions=["send"])
    def pause_selected(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            pause_webhook(webhook=webhook)
        self.message_user(request, gettext("The selected webhooks are paused."))

    @admin.action(description=_("Resume"), permissions=["send"])
    def resume_selected(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        for webhook in queryset:
            resume_webhook(webhook=webhook)
        self.message_user(request, gettext("The selected webhooks are active."))

    @admin.action(description=_("Send all failed events again"), permissions=["send"])
    def send_failed_again(self, request: HttpRequest, queryset: QuerySet[Webhook]) -> None:
        targets = [webhook.target for webhook in queryset]
        self.send_deliveries(request, Delivery.objects.filter(target__in=targets, state=Delivery.State.FAILED))


def _translate_delivery(delivery: Delivery) -> str:
    return translate_error(delivery.error, code=delivery.error_code, values=delivery.error_values) or NOT_AVAILABLE
