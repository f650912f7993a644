from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        """Register the system checks, what an erasure removes, and the receivers of the audit log. Name rows of packages."""
        from accounts import checks  # noqa: F401  registers system checks
        from accounts.erasers import register_erasers
        from accounts.row_names import name_rows
        from accounts.services.erased_rows import ACCOUNT_ERASERS
        from accounts.services.rights import connect_receivers

        register_erasers(*ACCOUNT_ERASERS)
        connect_receivers()
        name_rows()
