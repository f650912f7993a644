from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class EventsConfig(AppConfig):
    name = "events"

    def ready(self) -> None:
        """Register system checks, webhooks, and what other apps know about their events."""
        from events import checks  # noqa: F401  registers system checks
        from events.models.webhook import TARGET_PREFIX
        from events.services import user_webhooks  # noqa: F401  deletes the webhooks of removed users
        from events.services.webhook_sink import WebhookTargets
        from events.targets import register_provider

        register_provider(TARGET_PREFIX, WebhookTargets())
        autodiscover_modules("event_data")  # of all apps: the types of events, and the functions that build their data
