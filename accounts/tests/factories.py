"""Builders for tests of accounts."""

from __future__ import annotations

from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User
from accounts.services.second_factor import begin_set_up


def make_code(device: TOTPDevice, steps: int = 0) -> str:
    """Return the code of the app, some steps of 30 seconds from now."""
    return f"{totp(device.bin_key, drift=steps):06d}"


def create_device(user: User) -> TOTPDevice:
    """Set up the second factor of a user, without recovery codes."""
    begin_set_up(user=user)
    TOTPDevice.objects.filter(user=user).update(confirmed=True)
    return TOTPDevice.objects.get(user=user)
