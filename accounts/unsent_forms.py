"""Forms that were submitted without a session, in a signed cookie of the browser. After the sign-in, they can be sent again.

The server stores nothing: everyone can submit a form without a session. Passwords, codes, and files are not included. The
cookie is bound to the first user who opens it.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.urls import reverse
from django.utils.http import escape_leading_slashes

from accounts.models import User
from core.forms import SUBMISSION_KEY_FIELD

COOKIE_NAME = "unsent_form"
SALT = "accounts.unsent_forms"
MAX_AGE_SECONDS = 3600
MAX_COOKIE_CHARACTERS = 3000  # compressed; browsers refuse cookies of more than 4,096 bytes
SECRET_NAMES = re.compile(r"password|passphrase|secret|code", re.IGNORECASE)
HIDDEN_NAMES = {"csrfmiddlewaretoken", SUBMISSION_KEY_FIELD}
HIDDEN_PREFIXES = ("_", "initial-")  # of the names of buttons and of the values that a form has shown


@dataclass(frozen=True, slots=True)
class UnsentForm:
    """A form that was not processed.

    Attributes:
        path: where it was sent to.
        page: the path of the page that contained it.
        fields: the names and values, in the order of the form.
        has_files: it contained files, which are lost.
        user: the ID of the user who has opened it; empty before that.
    """

    path: str
    page: str
    fields: list[list[str]]
    has_files: bool
    user: str = ""

    def list_entries(self) -> dict[str, str]:
        """Return what the user can recognize: readable names, and values that are not empty, one a line."""
        entries: dict[str, list[str]] = {}
        for name, value in self.fields:
            if value.strip() and name not in HIDDEN_NAMES and not name.startswith(HIDDEN_PREFIXES):
                entries.setdefault(name.replace("_", " ").capitalize(), []).append(value)
        return {name: "\n".join(values) for name, values in entries.items()}


def read_form(request: HttpRequest, *, page: str) -> UnsentForm | None:
    """Return the form of a request, without what must not be stored; None if it cannot be read."""
    try:
        data = request.POST
    except (PermissionDenied, SuspiciousOperation, UnreadablePostError):  # such as a large file, which is not received
        return None
    fields = [
        [name, value]
        for name, values in data.lists()
        if name != "csrfmiddlewaretoken" and not SECRET_NAMES.search(name)
        for value in values
    ]
    return UnsentForm(escape_leading_slashes(request.get_full_path()), page, fields, bool(request.FILES))


def store_form(response: HttpResponse, form: UnsentForm) -> bool:
    """Let the browser store a form; return False if it is too large."""
    value = signing.dumps(asdict(form), salt=SALT, compress=True)
    if len(value) > MAX_COOKIE_CHARACTERS:
        return False
    response.set_cookie(
        COOKIE_NAME,
        value,
        max_age=MAX_AGE_SECONDS,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
        path=reverse("accounts:unsent_form"),
    )
    return True


def load_form(request: HttpRequest, user: User) -> UnsentForm | None:
    """Return the form that the browser has stored, bound to the user; None if there is none or it is another user's."""
    try:
        values: dict[str, Any] = signing.loads(request.COOKIES.get(COOKIE_NAME, ""), salt=SALT, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        return None
    form = UnsentForm(**values)
    return replace(form, user=str(user.pk)) if form.user in ("", str(user.pk)) else None
