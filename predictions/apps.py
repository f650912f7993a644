from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    name = "predictions"

    def ready(self) -> None:
        """Register the background tasks, and the receiver that cancels the work of removed users."""
        from predictions import tasks  # noqa: F401  needs the models
        from predictions.services import user_work  # noqa: F401
