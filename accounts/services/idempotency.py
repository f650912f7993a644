"""Idempotency keys: store what a request creates once, however often the request is repeated.

A request first claims its key in a transaction of its own. Its response is stored in the transaction that stores what it
creates, and only if the key is still claimed by it. The lease of a claim ends after some time, because its process may have
died; the next request with the key then takes the key over. If the first process is alive after all, its transaction finds
that it has lost the key, and is rolled back.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.base import File
from django.db import InterfaceError, OperationalError, transaction
from django.utils import timezone

from accounts.models import IdempotencyKey, User
from core.errors import InvalidItem
from core.streamed_uploads import StreamedFile
from inference.errors import InferenceError

logger = logging.getLogger(__name__)

LEASE_SECONDS = 60.0
MAX_CLAIM_ATTEMPTS = 5  # each fails only if another request changes the key at the same moment
MAX_DELETED_KEYS = 1000  # of one transaction


class KeyInUse(InferenceError):
    """Another request with the key is running. Nothing is stored for this request."""

    code = "idempotency-key-in-use"
    retry_after_seconds = 1

    def __init__(self) -> None:
        super().__init__("Another request with this Idempotency-Key is running. Repeat this request in a moment.")


class KeyReused(InferenceError):
    """The key belongs to a different request."""

    code = "idempotency-key-reused"

    def __init__(self) -> None:
        super().__init__("This Idempotency-Key was sent with a different request. Use a new key for each request.")


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """The response to the first request with a key."""

    status_code: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(slots=True)
class Claim:
    """The right to store what a request with a key creates. `leased_until` identifies one of several claims of a key."""

    key_id: UUID
    leased_until: datetime
    is_completed: bool = False

    def complete(self, response: StoredResponse) -> None:
        """Store the response. Call it in the transaction that stores what the request creates.

        Raises:
            KeyInUse: the lease has ended and another request has taken the key over. Roll the transaction back.
        """
        row = IdempotencyKey.objects.filter(pk=self.key_id, leased_until=self.leased_until)
        is_updated = row.update(
            leased_until=None, status_code=response.status_code, headers=response.headers, body=response.body
        )
        if not is_updated:
            raise KeyInUse
        self.is_completed = True

    def release(self) -> None:
        """Delete the key, unless the response is stored or another request has taken the key over.

        It does not wait for a transaction that is still being committed, as after a lost connection.
        """
        try:
            with transaction.atomic():
                if _lock_lease(self.key_id, self.leased_until):
                    IdempotencyKey.objects.filter(pk=self.key_id).delete()
        except (OperationalError, InterfaceError) as error:  # the key can be used again when its lease ends
            logger.warning("idempotency key not released", exc_info=error)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Run a block that may complete the claim. Release the key if the block fails or creates nothing."""
        is_stored = False
        try:
            yield
            is_stored = self.is_completed
        finally:
            if not is_stored:
                self.release()


def claim_key(*, user: User, key: str, fingerprint: str, lease_seconds: float | None = None) -> Claim | StoredResponse:
    """Claim a key of a user for a request, or return the stored response.

    Args:
        fingerprint: identifies the content of the request, in at most 64 characters.
        lease_seconds: if the request takes longer, another request with the key can take the key over. Default: one minute,
            or the time after which a worker that waits for a model is replaced.

    Raises:
        KeyReused: the key was used with another fingerprint.
        KeyInUse: another request with the key is running.
    """
    lease = timedelta(seconds=lease_seconds or max(LEASE_SECONDS, 3 * settings.PREDICT_TIMEOUT))
    for _ in range(MAX_CLAIM_ATTEMPTS):
        row = IdempotencyKey.objects.filter(user=user, key=key).first()
        if row is None:
            claim = _insert_key(IdempotencyKey(user=user, key=key, fingerprint=fingerprint), lease)
        elif row.created_at < _get_oldest_time():
            IdempotencyKey.objects.filter(pk=row.pk, created_at=row.created_at).delete()
            continue
        elif row.fingerprint != fingerprint:
            raise KeyReused
        elif row.status_code is not None:
            return StoredResponse(row.status_code, row.headers, bytes(row.body))
        else:
            claim = _take_over(row, lease)
        if claim:
            return claim
    raise KeyInUse


def hash_content(content: Any) -> str:
    """Return a fingerprint of JSON with files, bytes, and invalid items. The order of keys in objects does not matter."""
    return hashlib.sha256(json.dumps(content, sort_keys=True, default=_describe_file).encode()).hexdigest()


def _describe_file(value: File | bytes | InvalidItem) -> dict[str, str | None]:
    if isinstance(value, InvalidItem):
        return {"invalid": value.digest}
    if isinstance(value, bytes):
        return {"bytes": hashlib.sha256(value).hexdigest()}
    if isinstance(value, StreamedFile):  # large, and hashed while it was received
        return {"file": value.sha256, "name": value.name}
    digest = hashlib.sha256()
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return {"file": digest.hexdigest(), "name": value.name}


def delete_expired_keys() -> int:
    """Delete the keys that are older than `IDEMPOTENCY_HOURS`, in small transactions. Return their number."""
    total = 0
    while True:
        expired = IdempotencyKey.objects.filter(created_at__lt=_get_oldest_time()).order_by("created_at")
        count, _ = IdempotencyKey.objects.filter(
            pk__in=list(expired.values_list("pk", flat=True)[:MAX_DELETED_KEYS])
        ).delete()
        total += count
        if count < MAX_DELETED_KEYS:
            return total


def _get_oldest_time() -> datetime:
    """Return the creation time of the oldest keys that are valid."""
    return timezone.now() - timedelta(hours=settings.IDEMPOTENCY_HOURS)


def _insert_key(row: IdempotencyKey, lease: timedelta) -> Claim | None:
    """Insert a key and return its claim, or None if the user has the key already."""
    row.leased_until = timezone.now() + lease
    claim = Claim(row.pk, row.leased_until)
    try:
        IdempotencyKey.objects.bulk_create([row], ignore_conflicts=True)
        is_inserted = IdempotencyKey.objects.filter(pk=row.pk).exists()
    except (OperationalError, InterfaceError):
        claim.release()  # the row may be stored
        raise
    return claim if is_inserted else None


def _take_over(row: IdempotencyKey, lease: timedelta) -> Claim | None:
    """Return a new claim of a key without a response, or None if its row has changed.

    Raises:
        KeyInUse: the lease has not ended.
    """
    now = timezone.now()
    # A later end than a lease can have was set before the clock was turned back.
    if row.leased_until and now < row.leased_until <= now + lease:
        raise KeyInUse
    leased_until = now + lease
    with transaction.atomic():
        if not _lock_lease(row.pk, row.leased_until):
            return None
        IdempotencyKey.objects.filter(pk=row.pk).update(leased_until=leased_until)
    return Claim(row.pk, leased_until)


def _lock_lease(key_id: UUID, leased_until: datetime | None) -> bool:
    """Lock a key until the end of the transaction. Return False if its lease has changed, or another one has locked it."""
    rows = IdempotencyKey.objects.select_for_update(skip_locked=True)
    return bool(rows.filter(pk=key_id, leased_until=leased_until, status_code=None).values_list("pk"))
