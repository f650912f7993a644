from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    name = "predictions"

    def ready(self) -> None:
        """Register the background tasks."""
        from predictions import tasks  # noqa: F401  needs the models
