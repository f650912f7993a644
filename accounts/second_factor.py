"""The second factor of a user: a TOTP app (RFC 6238), and recovery codes. The devices of django-otp store both."""

from __future__ import annotations

from base64 import b32encode

import segno
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User

STAFF, EVERYONE = "staff", "all"
SESSION_KEY = "second_factor"  # of sessions that need no code any more
KEY_GROUP_CHARACTERS = 4


def find_device(user: User) -> TOTPDevice | None:
    """Return the TOTP app that the user has set up."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return device


def find_new_device(user: User) -> TOTPDevice | None:
    """Return the TOTP app whose first code the user has not entered yet."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=False).order_by("-pk").first()
    return device


def count_recovery_codes(user: User) -> int:
    """Return how many recovery codes are left."""
    return StaticToken.objects.filter(device__user=user, device__confirmed=True).count()


def is_required(user: User) -> bool:
    """Return whether a user must have a second factor."""
    requirement = settings.REQUIRE_SECOND_FACTOR
    return requirement == EVERYONE or (requirement == STAFF and (user.is_staff or user.is_superuser))


def render_qr_code(device: TOTPDevice) -> SafeString:
    """Return the key of a TOTP app as a QR code, an inline SVG."""
    code = segno.make(device.config_url, micro=False)
    svg = code.svg_inline(
        light="#fff", dark="#000", svgclass="qr-code", lineclass=None, omitsize=True, title=gettext("QR code")
    )
    # segno escapes the title, and the rest consists of numbers.
    return mark_safe(svg)  # noqa: S308 # nosec B308 B703


def format_key(device: TOTPDevice) -> str:
    """Return the key of a TOTP app as one types it in: base32, in groups."""
    key = b32encode(device.bin_key).decode()
    return " ".join(key[start : start + KEY_GROUP_CHARACTERS] for start in range(0, len(key), KEY_GROUP_CHARACTERS))
