"""Settings of accounts that no environment variable changes: sign-in, passwords, codes, sessions, and django-axes."""

from __future__ import annotations

AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "predictions:predict"
PASSWORD_HASHERS = [f"django.contrib.auth.hashers.{name}PasswordHasher" for name in ("Argon2", "PBKDF2")]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}Validator"}
    for name in ("UserAttributeSimilarity", "MinimumLength", "CommonPassword", "NumericPassword")
]
PASSWORD_RESET_TIMEOUT = 3600  # seconds for which the link in the email is valid
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # Strict would sign users out who follow a link from another site

OTP_TOTP_ISSUER = "mlsite"  # in the app
OTP_TOTP_SYNC = False  # codes of the previous and the next 30 seconds are accepted, and not more over time
OTP_TOTP_THROTTLE_FACTOR = OTP_STATIC_THROTTLE_FACTOR = 0  # wrong codes are counted with the wrong passwords

AXES_HANDLER = "accounts.services.lockout.LockoutHandler"  # it has its own limits
AXES_LOCKOUT_CALLABLE = "accounts.middleware.build_locked_response"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # passwords sent during a lock are not checked and not counted
AXES_COOLOFF_TIME = 24  # hours after which wrong passwords are forgotten
AXES_FAILURE_LIMIT = 8  # the status in the admin
AXES_VERBOSE = False
AXES_DISABLE_ACCESS_LOG = True  # the audit log contains the sign-ins
AXES_USERNAME_CALLABLE = "accounts.requests.get_attempted_username"
AXES_CLIENT_IP_CALLABLE = "accounts.requests.get_client_address"
