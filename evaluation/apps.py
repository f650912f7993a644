from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "evaluation"

    def ready(self) -> None:
        """Register what an erasure removes."""
        from accounts.erasers import register_erasers
        from evaluation.services.replays import erasure

        register_erasers(*erasure.ERASERS)
