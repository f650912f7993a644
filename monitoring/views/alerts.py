"""The alerts page: open and resolved alerts, rules, and notifications."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import PermissionRequiredMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.generic import TemplateView, UpdateView, View

from accounts.permissions import MANAGE_ALERTS, VIEW_OPERATIONS, has_permission
from accounts.requests import AuthenticatedRequest
from monitoring.alerts.channels import get_webhook_host, list_channels
from monitoring.alerts.digest import list_open_alerts, list_resolved_alerts
from monitoring.alerts.forms import MUTE_CHOICES, AlertRuleForm, ModelRuleForm, MuteForm
from monitoring.alerts.metrics import METRICS
from monitoring.alerts.presentation import build_open_rows, build_resolved_row, build_rule_row
from monitoring.models import Alert, AlertNotification, AlertRule
from monitoring.services.alert_actions import (
    acknowledge_alert,
    create_model_rule,
    delete_rule,
    mute_alert,
    save_rule,
    unmute_alert,
)
from monitoring.services.notifications import queue_test
from monitoring.windows import DAY

RESOLVED_DAYS = 30
MAX_NOTIFICATIONS = 10


class AlertsView(PermissionRequiredMixin, TemplateView):
    permission_required = VIEW_OPERATIONS
    permission_denied_message = _("You don't have permission. Reviewers and operators only.")
    template_name = "monitoring/alerts.html"
    request: AuthenticatedRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, order = timezone.now(), list(METRICS)
        rules = sorted(
            AlertRule.objects.select_related("model"),
            key=lambda rule: (order.index(rule.metric), rule.model.name if rule.model else ""),
        )
        context = {
            "can_manage": has_permission(self.request.user, MANAGE_ALERTS),
            "open_rows": build_open_rows(list_open_alerts(), now),
            "resolved_rows": [build_resolved_row(alert) for alert in list_resolved_alerts(now - RESOLVED_DAYS * DAY)],
            "resolved_days": RESOLVED_DAYS,
            "rule_rows": [build_rule_row(rule) for rule in rules],
            "rule_form": ModelRuleForm(label_suffix=""),
            "mute_choices": [(name, label) for name, (label, _duration) in MUTE_CHOICES.items()],
            "notifications": AlertNotification.objects.order_by("-id")[:MAX_NOTIFICATIONS],
            "channels": list_channels(),
            "email_count": len(settings.ALERT_EMAILS),
            "webhook_host": get_webhook_host(),
            "digest_hour": settings.ALERT_DIGEST_HOUR,
        }
        return super().get_context_data(**context, **kwargs)


class ManageAlertsMixin(PermissionRequiredMixin):
    """Let operators change alerts and rules."""

    permission_required = MANAGE_ALERTS
    permission_denied_message = _("You don't have permission. Operators only.")


class AlertActionView(ManageAlertsMixin, View):
    """Change one alert, and return to the page. `perform` changes it and returns a message."""

    http_method_names = ["post"]
    request: AuthenticatedRequest

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        alert = get_object_or_404(Alert.objects.select_related("state__rule__model", "state__model"), pk=pk)
        messages.success(request, self.perform(alert))
        return redirect("monitoring:alerts")

    def perform(self, alert: Alert) -> str:
        raise NotImplementedError


class AcknowledgeView(AlertActionView):
    def perform(self, alert: Alert) -> str:
        acknowledge_alert(alert=alert, user=self.request.user)
        return gettext("Acknowledged: %(alert)s. No more reminders are sent.") % {"alert": alert.title}


class MuteView(AlertActionView):
    """Mute an alert for a time, or unmute it if there is none."""

    def perform(self, alert: Alert) -> str:
        form = MuteForm(self.request.POST)
        if form.is_valid():
            mute_alert(alert=alert, duration=form.get_duration())
            return gettext("Muted: %(alert)s.") % {"alert": alert.title}
        unmute_alert(alert=alert)
        return gettext("Unmuted: %(alert)s.") % {"alert": alert.title}


class TestNotificationView(ManageAlertsMixin, View):
    """Queue a test notification for each channel."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        if queue_test():
            messages.success(
                request, gettext("The test notification is sent within a minute. Reload the page to see the result.")
            )
        else:
            messages.error(request, gettext("Set ALERT_EMAILS or ALERT_WEBHOOK_URL first, and restart the server."))
        return redirect("monitoring:alerts")


class CreateRuleView(ManageAlertsMixin, View):
    """Create a rule for one model, and open its form."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        form = ModelRuleForm(request.POST)
        if not form.is_valid():
            messages.error(request, gettext("Choose a metric and a model."))
            return redirect("monitoring:alerts")
        try:
            rule = create_model_rule(metric=form.cleaned_data["metric"], model=form.cleaned_data["model"])
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
            return redirect("monitoring:alerts")
        return redirect("monitoring:alert-rule", rule.pk)


class RuleView(ManageAlertsMixin, UpdateView):
    """Edit a rule."""

    template_name = "monitoring/alert_rule.html"
    queryset = AlertRule.objects.select_related("model")
    form_class = AlertRuleForm
    context_object_name = "rule"
    success_url = reverse_lazy("monitoring:alerts")
    object: AlertRule

    def form_valid(self, form: Any) -> HttpResponse:
        try:
            save_rule(rule=form.instance, fields=form.changed_data)
        except ValidationError as error:  # together with the values that another user has just saved
            form.add_error(None, error)
            return self.form_invalid(form)
        messages.success(self.request, gettext("Saved: %(rule)s.") % {"rule": form.instance})
        return redirect(self.success_url)


class DeleteRuleView(ManageAlertsMixin, View):
    """Delete the rule of a model."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        rule = get_object_or_404(AlertRule.objects.select_related("model"), pk=pk)
        try:
            delete_rule(rule=rule)
        except ValidationError as error:
            messages.error(request, " ".join(error.messages))
        else:
            messages.success(request, gettext("Deleted: %(rule)s. The default rule applies.") % {"rule": rule})
        return redirect("monitoring:alerts")
