from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    name = "predictions"

    def ready(self) -> None:
        """Register the background tasks, the receiver that cancels the work of removed users, and what erasures remove."""
        from accounts.erasers import register_erasers
        from predictions import tasks  # noqa: F401  needs the models
        from predictions.services import erasure, user_work  # noqa: F401

        register_erasers(*erasure.ERASERS)
