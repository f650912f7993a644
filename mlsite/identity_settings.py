"""Settings of the audit log, read from environment variables. `accounts.checks` checks their values."""

from __future__ import annotations

from environ import Env

_env = Env()

AUDIT_LOG_DAYS = _env.int("AUDIT_LOG_DAYS", default=365)  # after which entries are deleted; 0 for never
