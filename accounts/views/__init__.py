"""Views of the pages."""

from accounts.views.account import EmailView, LanguageView, ProfileView
from accounts.views.erasure import EraseView, ErasureView
from accounts.views.passwords import PasswordChangeView, PasswordResetConfirmView, PasswordResetView
from accounts.views.second_factor import RecoveryCodesView, RemoveView, SecondFactorView, SetUpView, SignInCodeView
from accounts.views.sign_in import SignInView, SignOutView, StaffLoginView
from accounts.views.sign_up import SignUpCheckView, SignUpView
from accounts.views.tokens import RevokeTokenView, TokensView
from accounts.views.unsent_forms import UnsentFormView

__all__ = [
    "EmailView",
    "EraseView",
    "ErasureView",
    "LanguageView",
    "PasswordChangeView",
    "PasswordResetConfirmView",
    "PasswordResetView",
    "ProfileView",
    "RecoveryCodesView",
    "RemoveView",
    "RevokeTokenView",
    "SecondFactorView",
    "SetUpView",
    "SignInCodeView",
    "SignInView",
    "SignOutView",
    "SignUpCheckView",
    "SignUpView",
    "StaffLoginView",
    "TokensView",
    "UnsentFormView",
]
