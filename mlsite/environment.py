"""Read settings from environment variables, and reject invalid values before anything starts.

The errors are not system checks, because the server runs none, and because other settings depend on some of the values.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
BOOLEANS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
MAX_INTEGER = 2**53  # larger numbers are mistakes
MAX_SECONDS = 2_147_483.0  # 24 days: the maximum of the timeouts of PostgreSQL, in milliseconds
DATABASE_ENGINES = ("sqlite3", "postgresql")
HOST = re.compile(r"\*|\.?[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)  # as Django compares them
SENDER = re.compile(r"[^\s@<>]+@[^\s@<>]+|[^<>@]*<[^\s@<>]+@[^\s@<>]+>")
RATE = re.compile(r"[1-9]\d{0,8}/(s|sec|second|m|min|minute|h|hour|d|day)")


class Environment:
    """Environment variables by type.

    An empty variable is the same as none: it has the default. All methods raise `ImproperlyConfigured` with the name of the
    variable if its value is invalid.
    """

    def get_text(self, name: str, *, default: str = "") -> str:
        """Return the value unchanged. A secret can start with `$`, which `environ` would replace."""
        value = os.environ.get(name, "")
        return value if value.strip() else default

    def get_flag(self, name: str, *, default: bool) -> bool:
        value = self.get_text(name).strip()
        if not value:
            return default
        if value.lower() not in BOOLEANS:
            raise _build_error(name, "true or false", value)
        return BOOLEANS[value.lower()]

    def get_integer(self, name: str, *, default: int, minimum: int = 0, maximum: int = MAX_INTEGER) -> int:
        value = self.get_text(name).strip()
        if not value:
            return default
        expected = f"a whole number without a unit, {_describe_range(minimum, None if maximum == MAX_INTEGER else maximum)}"
        if not re.fullmatch(r"-?[0-9]{1,30}", value) or not minimum <= int(value) <= maximum:
            raise _build_error(name, expected, value)
        return int(value)

    def get_seconds(self, name: str, *, default: float, minimum: float, maximum: float = MAX_SECONDS) -> float:
        """Return a duration in seconds."""
        value = self.get_text(name).strip()
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not isfinite(number) or not minimum <= number <= maximum:
            raise _build_error(name, f"a number of seconds without a unit, {_describe_range(minimum, maximum)}", value)
        return number

    def get_list(self, name: str, *, default: Sequence[str] = ()) -> list[str]:
        """Return values that are separated by commas, without the spaces around them."""
        return [part.strip() for part in self.get_text(name).split(",") if part.strip()] or list(default)

    def get_hosts(self, name: str, *, default: Sequence[str]) -> list[str]:
        """Return names of hosts. No request would match a URL or a port."""
        hosts = self.get_list(name, default=default)
        for host in hosts:
            if not HOST.fullmatch(host):
                raise _build_error(name, "host names without scheme, port, and path, such as mlsite.example.org", host)
        return hosts

    def get_sender(self, name: str, *, default: str) -> str:
        """Return an email address, with or without a name before it."""
        value = self.get_text(name, default=default).strip()
        if not SENDER.fullmatch(value):
            raise _build_error(name, "an email address, such as mlsite@example.org or mlsite <mlsite@example.org>", value)
        return value

    def get_choice(self, name: str, choices: Sequence[str], *, default: str) -> str:
        """Return one of the choices. The value can have another case."""
        value = self.get_text(name, default=default).strip()
        for choice in choices:
            if choice.lower() == value.lower():
                return choice
        raise _build_error(name, f"one of {', '.join(choices)}", value)

    def get_path(self, name: str, *, default: Path) -> Path:
        """Return an absolute path. A relative one starts in the folder of `manage.py`."""
        return Path(os.path.normpath(BASE_DIR / self.get_text(name, default=str(default)).strip()))

    def get_rate(self, name: str) -> str | None:
        """Return the value of a rate of REST framework, such as `600/minute`."""
        value = self.get_text(name).strip()
        if value and not RATE.fullmatch(value):
            raise _build_error(name, "a number per second, minute, hour, or day, for example 600/minute", value)
        return value or None

    def get_database(self, name: str, *, default: dict[str, Any]) -> dict[str, Any]:
        """Return the settings of a database from its URL. Errors do not contain the URL, because it contains a password."""
        value = self.get_text(name).strip()
        if not value:
            return default
        example = "postgres://user:password@host:5432/name"
        if not environ.Env.DB_SCHEMES.get(urlsplit(value).scheme, "").endswith(DATABASE_ENGINES):
            raise _build_url_error(name, example)
        try:
            parsed: dict[str, Any] = environ.Env.db_url_config(value)
        except ValueError as error:
            raise _build_url_error(name, example) from error
        return parsed

    def get_email(self, name: str, *, default: str) -> dict[str, Any]:
        """Return the settings of the mail server from its URL. Errors do not contain the URL, because it has a password."""
        try:
            parsed: dict[str, Any] = environ.Env.email_url_config(self.get_text(name, default=default).strip())
        except (KeyError, ValueError, ImproperlyConfigured) as error:
            raise _build_url_error(name, "smtp+tls://user:password@host:587") from error
        return parsed


env = Environment()


def read_env_file() -> None:
    """Add the variables in ENV_FILE to the environment, or else those in `.env`. Set variables take precedence.

    Without any file, or if ENV_FILE is empty, nothing is read. With default values in place of those of a file that cannot
    be read, the site would use another database.
    """
    path = os.environ.get("ENV_FILE", str(BASE_DIR / ".env"))
    if not path or not ("ENV_FILE" in os.environ or Path(path).exists()):
        return
    try:
        with Path(path).open(encoding="utf-8") as file:
            environ.Env.read_env(file)
    except (OSError, UnicodeDecodeError) as error:
        raise ImproperlyConfigured(f"The settings in {path} cannot be read: {error}") from error


def _describe_range(minimum: float, maximum: float | None) -> str:
    return f"{minimum:g} or more" if maximum is None else f"from {minimum:g} to {maximum:.15g}"


def _build_error(name: str, expected: str, value: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: expected {expected}. Received: {value!r}")


def _build_url_error(name: str, example: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} is not a valid URL. Expected, for example: {example}")
