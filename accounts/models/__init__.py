"""Users, their tokens and identities, idempotency keys, erasures, and the audit log."""

from accounts.models.audit import AuditEntry, get_action_choices
from accounts.models.erasures import Erasure
from accounts.models.idempotency import IdempotencyKey
from accounts.models.identities import ExternalIdentity
from accounts.models.users import ApiToken, AttemptCount, Usage, User

__all__ = [
    "ApiToken",
    "AttemptCount",
    "AuditEntry",
    "Erasure",
    "ExternalIdentity",
    "IdempotencyKey",
    "Usage",
    "User",
    "get_action_choices",
]
