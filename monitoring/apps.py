from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        """Register the system checks, the receiver that keeps predictions from uncounted hours, and what erasures remove."""
        from accounts.erasers import register_erasers
        from monitoring import checks  # noqa: F401  registers system checks
        from monitoring.services import erasure, removal  # noqa: F401

        register_erasers(*erasure.ERASERS)
        post_migrate.connect(create_alert_rules, sender=self)


def create_alert_rules(*, apps: Any = None, **options: Any) -> None:
    """Create the default alert rules after each migration, if their table exists."""
    from monitoring.services.alert_actions import create_default_rules

    try:
        (apps or options["sender"].apps).get_model("monitoring", "AlertRule")
    except LookupError:  # the migrations have been reverted
        return
    create_default_rules()
