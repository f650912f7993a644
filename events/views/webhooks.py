"""Pages on which users manage their webhooks. Nobody sees the webhooks of other users here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.functional import cached_property
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.generic import FormView, TemplateView, View

from accounts.requests import AuthenticatedRequest
from accounts.services.submissions import SHOW_AGAIN_PERIOD, SubmissionRunning, create_once
from accounts.services.usage import LimitReached
from core.formatting import format_count
from core.forms import SUBMISSION_KEY_FIELD, remember_shown_values
from events.deliveries import get_delivery_page, has_failed_delivery, parse_delivery_id
from events.forms import WebhookForm
from events.models import TargetStatus, Webhook
from events.services.webhooks import (
    create_webhook,
    delete_webhook,
    get_secret_time,
    pause_webhook,
    resend_deliveries,
    resume_webhook,
    rotate_secret,
    send_test_event,
    update_webhook,
)
from events.webhooks.snippets import SNIPPETS


class WebhookBaseView(LoginRequiredMixin, View):
    """Find the webhook of the URL. The webhooks of other users are not found."""

    request: AuthenticatedRequest

    @cached_property
    def webhook(self) -> Webhook:
        return get_object_or_404(self.request.user.webhooks, pk=self.kwargs["pk"])

    def store_once(self, content: list[Any], change: Callable[[], Webhook]) -> Webhook:
        """Create or change a webhook, unless the form was submitted before. Return the webhook.

        Raises:
            SubmissionRunning: as `create_once` does.
        """
        key = self.request.POST.get(SUBMISSION_KEY_FIELD, "")
        rows = Webhook.objects.all()
        return create_once(user=self.request.user, key=key, content=content, create=change, rows=rows)

    def render_secret(self, webhook: Webhook, *, title: str) -> HttpResponse:
        """Return the page that shows a new secret, the only time that it is shown.

        The second click of a double click shows it too. If the form is submitted again later, the response is a redirect.
        """
        if get_secret_time(webhook) < timezone.now() - SHOW_AGAIN_PERIOD:
            messages.warning(self.request, _("This form was submitted before. The secret is not shown again."))
            return redirect(webhook)
        context = {"webhook": webhook, "title": title, "snippets": SNIPPETS}
        return render(self.request, "events/webhook_secret.html", context)


class WebhooksView(LoginRequiredMixin, TemplateView):
    """List the webhooks of the user."""

    template_name = "events/webhooks.html"
    request: AuthenticatedRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        webhooks = list(self.request.user.webhooks.all())
        statuses = TargetStatus.objects.in_bulk([webhook.target for webhook in webhooks])
        rows = [{"webhook": webhook, "status": statuses.get(webhook.target)} for webhook in webhooks]
        return super().get_context_data(rows=rows, **kwargs)


class CreateWebhookView(WebhookBaseView, FormView):
    """Create a webhook, and show its secret."""

    template_name = "events/webhook_form.html"
    form_class = WebhookForm
    request: AuthenticatedRequest

    def form_valid(self, form: WebhookForm) -> HttpResponse:
        user, values = self.request.user, form.cleaned_data
        try:
            webhook = self.store_once(["webhook", values], partial(create_webhook, user=user, **values))
        except (ValidationError, SubmissionRunning) as error:
            form.add_error(None, error if isinstance(error, ValidationError) else str(error))
            return self.form_invalid(form)
        return self.render_secret(webhook, title=_("Webhook created"))


class EditWebhookView(WebhookBaseView, FormView):
    """Change the URL, the events, or the description."""

    template_name = "events/webhook_form.html"
    form_class = WebhookForm
    request: AuthenticatedRequest

    def get_initial(self) -> dict[str, Any]:
        return {name: getattr(self.webhook, name) for name in WebhookForm.base_fields}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(webhook=self.webhook, **kwargs)

    def get_form(self, form_class: type[WebhookForm] | None = None) -> WebhookForm:
        form: WebhookForm = super().get_form(form_class)
        remember_shown_values(form)
        return form

    def form_valid(self, form: WebhookForm) -> HttpResponse:
        update_webhook(webhook=self.webhook, **{name: form.cleaned_data[name] for name in form.changed_data})
        messages.success(self.request, _("Your changes are saved."))
        return redirect(self.webhook)


class WebhookView(WebhookBaseView, TemplateView):
    """Show a webhook and its deliveries, newest first."""

    template_name = "events/webhook.html"
    request: AuthenticatedRequest

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        webhook = self.webhook
        return super().get_context_data(
            webhook=webhook,
            status=TargetStatus.objects.filter(pk=webhook.target).first(),
            page=get_delivery_page(webhook, before=parse_delivery_id(self.request.GET.get("before", ""))),
            has_failed=has_failed_delivery(webhook),
            **kwargs,
        )


class RotateSecretView(WebhookBaseView):
    """Create a new secret, and show it."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        webhook = self.webhook
        try:
            webhook = self.store_once(["secret", str(pk)], partial(rotate_secret, webhook=webhook))
        except SubmissionRunning as error:
            messages.error(request, str(error))
            return redirect(webhook)
        return self.render_secret(webhook, title=_("New secret"))


class WebhookActionView(WebhookBaseView):
    """Change a webhook, and return to its page with a message."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        webhook = self.webhook
        try:
            messages.success(request, self.change_webhook(webhook))
        except (LimitReached, SubmissionRunning) as error:
            messages.error(request, str(error))
        return redirect(webhook)

    def change_webhook(self, webhook: Webhook) -> str:
        """Change the webhook, and return the message."""
        raise NotImplementedError


class PauseWebhookView(WebhookActionView):
    def change_webhook(self, webhook: Webhook) -> str:
        pause_webhook(webhook=webhook)
        return _("The webhook is paused. Its events wait for up to 3 days.")


class ResumeWebhookView(WebhookActionView):
    def change_webhook(self, webhook: Webhook) -> str:
        resume_webhook(webhook=webhook)
        return _("The webhook is active.")


class SendTestEventView(WebhookActionView):
    """Send a test event, unless the user has sent too many."""

    def change_webhook(self, webhook: Webhook) -> str:
        def send() -> Webhook:
            send_test_event(webhook=webhook)
            return webhook

        self.store_once(["test event", str(webhook.pk)], send)
        return _("The test event will be sent within seconds. Reload this page to see the response.")


class ResendView(WebhookActionView):
    """Send one delivery again, or all failed ones."""

    def change_webhook(self, webhook: Webhook) -> str:
        text = self.request.POST.get("delivery", "")
        delivery_id = parse_delivery_id(text)
        count = 0 if text and delivery_id is None else resend_deliveries(webhook=webhook, delivery_id=delivery_id)
        message = ngettext("%(count)s event will be sent again.", "%(count)s events will be sent again.", count)
        return message % {"count": format_count(count)}


class DeleteWebhookView(WebhookBaseView):
    http_method_names = ["post"]

    def post(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        delete_webhook(webhook=self.webhook)
        messages.success(request, _("The webhook is deleted."))
        return redirect("events:webhooks")
