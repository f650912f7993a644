from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Register the system checks, and what an erasure removes."""
        from accounts import checks  # noqa: F401
        from accounts.erasers import register_erasers
        from accounts.services.erased_rows import ACCOUNT_ERASERS

        register_erasers(*ACCOUNT_ERASERS)
