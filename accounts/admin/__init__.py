"""Users and API tokens in the admin."""

from accounts.admin import packages
from accounts.admin.erasures import ErasureAdmin
from accounts.admin.tokens import ApiTokenAdmin
from accounts.admin.usage import UsageAdmin
from accounts.admin.users import UserAdmin

__all__ = ["ApiTokenAdmin", "ErasureAdmin", "UsageAdmin", "UserAdmin", "packages"]
