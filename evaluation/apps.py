from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"

    def ready(self) -> None:
        """Register what an erasure removes, and what a retention policy must not remove."""
        from accounts.erasers import register_erasers
        from evaluation.services.replays import erasure, removal  # noqa: F401

        register_erasers(*erasure.ERASERS)
