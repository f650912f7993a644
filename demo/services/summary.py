"""The summary of a running site, which `make run` and `bootstrap` show."""

from __future__ import annotations

from django.conf import settings

from accounts.models import User

DEMO_USERNAME = "demo"
SUMMARY_VARIABLE = "SHOW_SUMMARY"  # with it, the server shows the summary, and `bootstrap` does not


def describe_demo_account() -> tuple[str, str]:
    """Return the demo account and its password, or what to do without them."""
    password = settings.DEMO_PASSWORD
    if not password:
        return "none (DEMO_PASSWORD is empty)", "create an account: manage.py createsuperuser"
    user = User.objects.filter(username=DEMO_USERNAME).first()
    is_valid = user is not None and user.check_password(password)
    advice = f"not DEMO_PASSWORD. Set a new one: manage.py changepassword {DEMO_USERNAME}"
    return f"{DEMO_USERNAME} (superuser)", password if is_valid else advice


def build_summary(title: str) -> str:
    """Return the address, the account, and the first page to open, in a box.

    Args:
        title: the first line, for example whether the site is running.
    """
    address = f"http://{settings.HOST}:{settings.PORT}/"
    account, password = describe_demo_account()
    lines = [
        title,
        "",
        f"Address:     {address}",
        f"Account:     {account}",
        f"Password:    {password}",
        f"Open first:  {address}tour/" if settings.TOUR else f"Open first:  {address}accounts/login/",
    ]
    width = max(map(len, lines))
    border = "─" * (width + 2)
    return "\n".join([f"┌{border}┐", *(f"│ {line:<{width}} │" for line in lines), f"└{border}┘"])
