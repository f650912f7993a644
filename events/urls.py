"""URLs below /accounts/webhooks/."""

from django.urls import path

from events.views import webhooks

app_name = "events"

urlpatterns = [
    path("", webhooks.WebhooksView.as_view(), name="webhooks"),
    path("new/", webhooks.CreateWebhookView.as_view(), name="webhook-new"),
    path("<uuid:pk>/", webhooks.WebhookView.as_view(), name="webhook"),
    path("<uuid:pk>/edit/", webhooks.EditWebhookView.as_view(), name="webhook-edit"),
    path("<uuid:pk>/secret/", webhooks.RotateSecretView.as_view(), name="webhook-secret"),
    path("<uuid:pk>/pause/", webhooks.PauseWebhookView.as_view(), name="webhook-pause"),
    path("<uuid:pk>/resume/", webhooks.ResumeWebhookView.as_view(), name="webhook-resume"),
    path("<uuid:pk>/test/", webhooks.SendTestEventView.as_view(), name="webhook-test"),
    path("<uuid:pk>/resend/", webhooks.ResendView.as_view(), name="webhook-resend"),
    path("<uuid:pk>/delete/", webhooks.DeleteWebhookView.as_view(), name="webhook-delete"),
]
