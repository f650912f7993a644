"""Builders for tests of accounts."""

from __future__ import annotations

from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice


def make_code(device: TOTPDevice, steps: int = 0) -> str:
    """Return the code of the app, some steps of 30 seconds from now."""
    return f"{totp(device.bin_key, drift=steps):06d}"
