"""Admin pages of alerts and alert rules."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from core.admin import GuardedAdmin, ReadOnlyAdmin
from core.formatting import NOT_AVAILABLE, format_local_time
from monitoring.alerts.forms import AlertRuleForm
from monitoring.models import Alert, AlertRule
from monitoring.services.alert_actions import save_rule


@admin.register(AlertRule)
class AlertRuleAdmin(GuardedAdmin):
    """Edit rules. The alerts page adds and deletes the rules of single models."""

    form = AlertRuleForm
    list_display = ("__str__", "is_enabled", "opens", "resolves")
    list_select_related = ("model",)
    list_filter = ("metric", "is_enabled")

    @admin.display(description=_("opens"))
    def opens(self, row: AlertRule) -> str:
        return row.definition.describe_threshold(row.threshold)

    @admin.display(description=_("resolves"))
    def resolves(self, row: AlertRule) -> str:
        return row.definition.describe_resolve_threshold(row.resolve_threshold)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: AlertRule, form: Any, change: bool) -> None:
        save_rule(rule=obj, fields=form.changed_data)


@admin.register(Alert)
class AlertAdmin(ReadOnlyAdmin):
    list_display = ("name", "shown_value", "shown_threshold", "opened", "resolved", "acknowledged_by")
    list_select_related = ("state__rule__model", "state__model", "acknowledged_by")
    list_filter = ("state__rule__metric", "resolution")
    ordering = ("-id",)
    fields = (
        "name", "shown_value", "shown_worst_value", "shown_threshold", "opened_at", "resolved_at", "resolution",
        "acknowledged_at", "acknowledged_by", "notified_at",
    )  # fmt: skip
    readonly_fields = ("name", "shown_value", "shown_worst_value", "shown_threshold", "opened_at")

    @admin.display(description=_("alert"))
    def name(self, row: Alert) -> str:
        return row.title

    @admin.display(description=_("value"))
    def shown_value(self, row: Alert) -> str:
        return row.metric.unit.format(row.value)

    @admin.display(description=_("worst value"))
    def shown_worst_value(self, row: Alert) -> str:
        return row.metric.unit.format(row.worst_value)

    @admin.display(description=_("threshold"))
    def shown_threshold(self, row: Alert) -> str:
        return row.metric.describe_threshold(row.threshold)

    @admin.display(description=_("opened"), ordering="opened_at")
    def opened(self, row: Alert) -> str:
        return format_local_time(row.opened_at)

    @admin.display(description=_("resolved"), ordering="resolved_at")
    def resolved(self, row: Alert) -> str:
        return format_local_time(row.resolved_at) if row.resolved_at else NOT_AVAILABLE
