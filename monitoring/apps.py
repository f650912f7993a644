from django.apps import AppConfig


class MonitoringConfig(AppConfig):
    name = "monitoring"

    def ready(self) -> None:
        """Register the system checks, and the receiver that keeps predictions from uncounted hours."""
        from monitoring import checks  # noqa: F401
        from monitoring.services import removal  # noqa: F401
