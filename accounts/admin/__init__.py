"""Users, API tokens, and the audit log in the admin."""

from accounts.admin import packages
from accounts.admin.audit import AuditEntryAdmin
from accounts.admin.erasures import ErasureAdmin
from accounts.admin.identities import ExternalIdentityAdmin
from accounts.admin.tokens import ApiTokenAdmin
from accounts.admin.usage import UsageAdmin
from accounts.admin.users import UserAdmin

__all__ = [
    "ApiTokenAdmin",
    "AuditEntryAdmin",
    "ErasureAdmin",
    "ExternalIdentityAdmin",
    "UsageAdmin",
    "UserAdmin",
    "packages",
]
