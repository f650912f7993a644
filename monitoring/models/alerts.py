"""Alert rules, their state for each model, alerts, and the notifications about alerts."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from core.formatting import format_local_time
from monitoring.alerts.metrics import METRIC_CHOICES, METRICS, Metric
from registry.models import RegisteredModel

MAX_EVALUATIONS = 48
EVALUATION_LIMITS = [MinValueValidator(1), MaxValueValidator(MAX_EVALUATIONS)]


class AlertRule(models.Model):
    """A metric with thresholds. The rule of a model takes precedence over the default rule of the metric.

    A metric of the site has a default rule only. Values are in the unit of the metric: shares from 0 to 1, milliseconds, or
    seconds.
    """

    id = UUID7Field()
    metric = models.CharField(_("metric"), max_length=30, choices=METRIC_CHOICES)
    model = models.ForeignKey(
        RegisteredModel, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("model"),
        help_text=_("Empty: all models without a rule of their own."),
    )  # fmt: skip
    is_enabled = models.BooleanField(_("enabled"), default=True)
    threshold = models.FloatField(_("threshold"))
    resolve_threshold = models.FloatField(_("threshold to resolve"))
    opens_after = models.PositiveSmallIntegerField(_("opens after"), validators=EVALUATION_LIMITS)
    resolves_after = models.PositiveSmallIntegerField(_("resolves after"), validators=EVALUATION_LIMITS)
    evaluated_at = models.DateTimeField(_("evaluated up to"), null=True, editable=False)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        constraints = [
            # Serve: the rules of a metric. One default rule per metric, and one rule per metric and model.
            models.UniqueConstraint(fields=["metric"], condition=Q(model=None), name="alertrule_default_once"),
            models.UniqueConstraint(
                fields=["metric", "model"],
                name="alertrule_model_once",
                violation_error_message=_("This model has a rule for this metric already. Edit that rule."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.definition.title} ({self.model.name})" if self.model else str(self.definition.title)

    @property
    def definition(self) -> Metric:
        return METRICS[self.metric]

    def clean(self) -> None:
        """Check the thresholds against the unit of the metric, and against each other."""
        metric = METRICS.get(self.metric)
        if metric is None or self.threshold is None or self.resolve_threshold is None:
            return  # the errors of these fields are reported already
        errors = {}
        if self.model and not metric.is_per_model:
            errors["model"] = _("This metric belongs to the site, not to a model.")
        for name in ("threshold", "resolve_threshold"):
            value = getattr(self, name)
            if not 0 <= value <= (metric.unit.maximum if metric.unit.maximum is not None else value):
                errors[name] = _("Enter a value from 0 to 100.") if metric.unit.maximum else _("Enter 0 or more.")
        if not errors and metric.is_worse(self.resolve_threshold, self.threshold):
            errors["resolve_threshold"] = (
                _("Enter at least the threshold at which alerts open.")
                if metric.is_low_bad
                else _("Enter at most the threshold at which alerts open.")
            )
        if errors:
            raise ValidationError(errors)


class AlertState(models.Model):
    """The last evaluations of a rule for one model, or for the site."""

    id = UUID7Field()
    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="states", db_index=False)  # the constraints serve it
    model = models.ForeignKey(RegisteredModel, models.CASCADE, null=True, related_name="+")
    value = models.FloatField(null=True)
    measured_at = models.DateTimeField(null=True, help_text=_("End of the last window with enough data."))
    breach_count = models.PositiveSmallIntegerField(default=0)
    recovery_count = models.PositiveSmallIntegerField(default=0)
    history = models.JSONField(default=list, help_text=_("The last values, the oldest first. Null: not enough data."))
    muted_until = models.DateTimeField(null=True)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            # Serve: the states of a rule. One state per rule and model; for the site, the model is null.
            models.UniqueConstraint(fields=["rule"], condition=Q(model=None), name="alertstate_site_once"),
            models.UniqueConstraint(fields=["rule", "model"], name="alertstate_model_once"),
        ]

    def __str__(self) -> str:
        return f"{self.rule_id} {self.model_id or ''}".strip()

    def is_muted(self, now: datetime) -> bool:
        """Return whether no notifications about this model, or the site, are sent."""
        return self.muted_until is not None and self.muted_until > now


class Alert(models.Model):
    """A period in which a metric of a model, or of the site, was beyond its threshold."""

    class Resolution(models.TextChoices):
        RECOVERED = "recovered", _("recovered")
        NO_DATA = "no-data", _("no data for a day")
        RULE_CHANGED = "rule-changed", _("rule changed")

    id = UUID7Field()
    state = models.ForeignKey(AlertState, models.CASCADE, related_name="alerts", verbose_name=_("state"))
    value = models.FloatField(_("value"), help_text=_("The last value while the alert was open."))
    worst_value = models.FloatField(_("worst value"))
    threshold = models.FloatField(_("threshold"))
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    resolved_at = models.DateTimeField(_("resolved"), null=True)
    resolution = models.CharField(_("resolution"), max_length=20, blank=True, choices=Resolution.choices)
    acknowledged_at = models.DateTimeField(_("acknowledged"), null=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("acknowledged by")
    )
    notified_at = models.DateTimeField(_("last notification"), null=True)

    objects: ClassVar = models.Manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            # At most one open alert per rule and model. Also serves: the open alerts.
            models.UniqueConstraint(fields=["state"], condition=Q(resolved_at=None), name="alert_open_once"),
            models.CheckConstraint(
                condition=Q(resolved_at=None, resolution="") | Q(resolved_at__isnull=False) & ~Q(resolution=""),
                name="alert_resolved_or_open",
            ),
        ]
        indexes = [models.Index(fields=["-resolved_at"], name="alert_resolved")]  # serves: the newest resolved alerts

    def __str__(self) -> str:
        return f"{self.title}, {format_local_time(self.opened_at)}"

    @property
    def metric(self) -> Metric:
        return self.state.rule.definition

    @property
    def title(self) -> str:
        """Return the metric and the model. Needs the state with its rule and its model."""
        title = str(self.metric.title)
        return (
            gettext("%(metric)s of %(model)s") % {"metric": title, "model": self.state.model.name}
            if self.state.model
            else title
        )


class AlertNotification(models.Model):
    """A message about alerts to one channel, which the next run of a background job sends."""

    class Kind(models.TextChoices):
        OPENED = "opened", _("alert opened")
        RESOLVED = "resolved", _("alert resolved")
        REMINDER = "reminder", _("reminder")
        DIGEST = "digest", _("daily digest")
        TEST = "test", _("test")

    class Channel(models.TextChoices):
        EMAIL = "email", _("email")
        WEBHOOK = "webhook", _("webhook")

    class Status(models.TextChoices):
        QUEUED = "queued", _("waiting")
        RUNNING = "running", _("sending")
        SUCCEEDED = "succeeded", _("sent")
        FAILED = "failed", _("failed")

    id = UUID7Field()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    channel = models.CharField(max_length=10, choices=Channel.choices)
    subject = models.CharField(max_length=250)
    text = models.TextField()
    digest_day = models.DateField(null=True, help_text=_("The UTC day of a daily digest."))
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=250, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    send_after = models.DateTimeField(default=timezone.now)
    leased_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)

    objects: ClassVar = models.Manager()

    class Meta:
        constraints = [
            # Keeps two processes from creating the digest of a day twice. Other notifications have no day.
            models.UniqueConstraint(fields=["channel", "digest_day"], name="alertnotification_digest_once"),
        ]
        indexes = [
            # Serves: the notifications to send, of which there are few.
            models.Index(fields=["send_after"], condition=Q(status__in=["queued", "running"]), name="alertnotification_due"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}, {self.get_channel_display()}"
