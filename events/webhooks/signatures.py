"""Signatures of webhooks: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Iterable

SECRET_PREFIX = "whsec_"  # noqa: S105  the specification lets secret scanners recognize leaked secrets
SECRET_BYTES = 32  # the specification allows 24 to 64


def create_secret() -> str:
    """Return a new random secret, as receivers get it."""
    return SECRET_PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(*, secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message with the algorithm `v1`, HMAC-SHA256.

    Args:
        timestamp: seconds since 1970 at which the request is sent.
    """
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    digest = hmac.digest(key, b"%s.%d.%s" % (message_id.encode(), timestamp, body), hashlib.sha256)
    return f"v1,{b64encode(digest).decode()}"


def build_headers(*, valid_secrets: Iterable[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Return the headers of a signed request.

    Args:
        valid_secrets: more than one during a rotation. Receivers accept a request if one signature matches.
    """
    signatures = [sign(secret=each, message_id=message_id, timestamp=timestamp, body=body) for each in valid_secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
