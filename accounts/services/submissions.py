"""Forms of pages that are submitted more than once, for example with a double click: each input is stored once."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils.translation import gettext

from accounts.models import IdempotencyKey, User
from accounts.services.idempotency import Claim, KeyInUse, StoredResponse, claim_key, hash_content
from inference.errors import InferenceError

T = TypeVar("T", bound=Model)

DOUBLE_CLICK_PERIOD = timedelta(seconds=2)  # the same form within this time was submitted twice by mistake
SHOW_AGAIN_PERIOD = timedelta(seconds=10)  # in which a form that is submitted again shows the secret that it created
WAIT_SECONDS = 30.0  # for the first submission
FIRST_POLL_SECONDS, MAX_POLL_SECONDS = 0.02, 0.5


class SubmissionRunning(InferenceError):
    """The same form was submitted before, and is still running."""

    code = "idempotency-key-in-use"


def store_once(*, user: User, key: str, content: Any, run: Callable[..., T], rows: QuerySet[T]) -> T:
    """Store what a form submits and return the row; or return that of an earlier submission.

    A browser shows the response to the last submission only. A submission that finds the earlier one running therefore
    waits for it, where a program would get an error.

    Args:
        key: the key of the form. It may be sent again with another input, after the browser has gone back to the page; so
            a key and a content together identify a submission. If empty, each submission is stored.
        content: identifies the input, as JSON.
        run: called with `in_transaction`, as `predict` takes it. Its errors are raised, and the form can be sent again.
        rows: where to find the row of an earlier submission.

    Raises:
        SubmissionRunning: an earlier submission takes very long.
    """
    if not key:
        return run(in_transaction=None)
    name = _get_name(key, content)
    deadline = time.monotonic() + WAIT_SECONDS
    poll_seconds = FIRST_POLL_SECONDS
    while True:
        try:
            return _store_or_find(user, name, run, rows)
        except KeyInUse as error:
            if time.monotonic() > deadline:
                message = gettext(
                    "This form was submitted before, and is still running. Check your history before you try again."
                )
                raise SubmissionRunning(message) from error
        time.sleep(poll_seconds)
        poll_seconds = min(poll_seconds * 2, MAX_POLL_SECONDS)


def create_once(*, user: User, key: str, content: Any, create: Callable[[], T], rows: QuerySet[T]) -> T:
    """Create a row as `store_once` does, with a service that takes no `in_transaction`. It must not wait for a model.

    Raises:
        SubmissionRunning: as `store_once` does.
    """

    def run(in_transaction: Callable[[T], object] | None) -> T:
        with transaction.atomic():
            row = create()
            if in_transaction:
                in_transaction(row)
        return row

    try:
        return store_once(user=user, key=key, content=content, run=run, rows=rows)
    except SubmissionRunning as error:
        message = gettext("This form was submitted before, and is still running. Try again in a minute.")
        raise SubmissionRunning(message) from error


def find_submission_key(*, user: User, keys: Sequence[str], content: Any) -> str:
    """Return the first of some keys with which the content was submitted; empty if there is none."""
    names = {key: _get_name(key, content) for key in keys}
    known = set(IdempotencyKey.objects.filter(user=user, key__in=names.values()).values_list("key", flat=True))
    return next((key for key in keys if names[key] in known), "")


def _get_name(key: str, content: Any) -> str:
    """Return the idempotency key of a submission."""
    return f"form {hash_content([key, content])}"


def _store_or_find(user: User, name: str, run: Callable[..., T], rows: QuerySet[T]) -> T:
    claim = claim_key(user=user, key=name, fingerprint="")  # the name contains the content
    if isinstance(claim, StoredResponse):
        return rows.filter(user=user, pk=json.loads(claim.body)["id"]).first() or run(in_transaction=None)
    with claim.hold():
        return run(in_transaction=lambda row: _complete(claim, row))


def _complete(claim: Claim, row: Model) -> None:
    claim.complete(StoredResponse(status_code=201, body=json.dumps({"id": str(row.pk)}).encode()))
