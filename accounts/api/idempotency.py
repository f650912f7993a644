"""The header Idempotency-Key of requests that create something. See draft-ietf-httpapi-idempotency-key-header.

A view method that creates something is decorated with `@idempotent`, and stores its response with `get_claim(request)`:

    @extend_schema(parameters=[IDEMPOTENCY_PARAMETER])
    @idempotent
    def create(self, request):
        respond = get_claim(request).record(lambda prediction: Response(represent(prediction), status=201))
        prediction = predict(..., in_transaction=respond.in_transaction)
        return respond(prediction)

A service without `in_transaction` is called inside `with get_claim(request).transaction()`. The last statement of the block
is `return get_claim(request).complete(response)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import wraps
from typing import Any, Generic, TypeVar, cast

from django.db import transaction
from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import OpenApiParameter
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.models.idempotency import MAX_IDEMPOTENCY_KEY_CHARACTERS
from accounts.services.idempotency import Claim, StoredResponse, claim_key, hash_content

T = TypeVar("T")

META_NAME = "HTTP_IDEMPOTENCY_KEY"
CLAIM_ATTRIBUTE = "idempotency_claim"  # of a request
BATCH_LEASE_SECONDS = 300.0  # a request with many inputs can take longer than one with a single input
REPLAYED_HEADER = "Idempotent-Replayed"
# A string of RFC 8941, or the same characters without quotes. Servers join two headers with a comma, so a key without
# quotes cannot contain one.
QUOTED_KEY = re.compile(r'"((?:[ !#-\[\]-~]|\\["\\])+)"')
BARE_KEY = re.compile(r"[!#-+\--~](?:[ !#-+\--~]*[!#-+\--~])?")
IDEMPOTENCY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    {
        "type": "string",
        "maxLength": MAX_IDEMPOTENCY_KEY_CHARACTERS,
        "pattern": f"^(?:{QUOTED_KEY.pattern}|{BARE_KEY.pattern})$",
    },
    location=OpenApiParameter.HEADER,
    description="A unique key of up to 255 characters, such as a UUID. If you repeat the request with the same key, you get "
    "the response to the first request, and nothing is created again.",
)


class RequestClaim:
    """The claim of a request's key. A request without a key has one too, which stores nothing."""

    def __init__(self, request: Request, claim: Claim | None = None) -> None:
        self._request, self._claim = request, claim

    def transaction(self) -> AbstractContextManager[None]:
        """Return a block that is a transaction if the request has a key."""
        return transaction.atomic() if self._claim else nullcontext()

    def complete(self, response: HttpResponse) -> HttpResponse:
        """Render and store a response, and return it. Call it in the transaction of what the request creates.

        Raises:
            KeyInUse: another request has taken the key over. Roll the transaction back.
        """
        if self._claim:
            if isinstance(response, Response):
                _render(response, self._request)
            self._claim.complete(StoredResponse(response.status_code, dict(response.items()), response.content))
        return response

    def record(self, build: Callable[[T], HttpResponse]) -> ResponseRecorder[T]:
        """Return a function that builds the response from what a service has created, and stores it."""
        return ResponseRecorder(self, build, has_key=self._claim is not None)


class ResponseRecorder(Generic[T]):
    """Build the response once: in the transaction of the service if the request has a key, otherwise afterwards.

    Attributes:
        in_transaction: the argument of the service; None without a key, so that the service can group its writes.
    """

    def __init__(self, claim: RequestClaim, build: Callable[[T], HttpResponse], *, has_key: bool) -> None:
        self._claim, self._build = claim, build
        self._response: HttpResponse | None = None
        self.in_transaction: Callable[[T], object] | None = self if has_key else None

    def __call__(self, created: T) -> HttpResponse:
        if self._response is None:
            self._response = self._claim.complete(self._build(created))
        return self._response


def idempotent(method: Callable[..., HttpResponse], *, lease_seconds: float | None = None) -> Callable[..., HttpResponse]:
    """Decorate a method of an API view: a POST request with the key of an earlier one gets the response to that one.

    A view with a method `check_replay` raises an exception in it if the user may not make the request any more. A replayed
    response would otherwise reach a user who has lost access since. It takes the arguments of the URL.

    A request whose response is not stored releases its key: the client can repeat it. This includes all invalid requests.

    Args:
        lease_seconds: as `claim_key` takes it.
    """

    @wraps(method)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or META_NAME not in request.META:
            return method(view, request, *args, **kwargs)
        if check := getattr(view, "check_replay", None):
            check(**kwargs)
        key = parse_key(request.META[META_NAME])
        fingerprint, user = compute_fingerprint(request), cast(User, request.user)
        claim = claim_key(user=user, key=key, fingerprint=fingerprint, lease_seconds=lease_seconds)
        if isinstance(claim, StoredResponse):
            return build_replay(claim)
        setattr(request, CLAIM_ATTRIBUTE, RequestClaim(request, claim))
        with claim.hold():
            return method(view, request, *args, **kwargs)

    return wrapper


def get_claim(request: Request) -> RequestClaim:
    """Return the claim of a request to a method with the decorator `idempotent`."""
    claim: RequestClaim | None = getattr(request, CLAIM_ATTRIBUTE, None)
    return claim or RequestClaim(request)


def build_replay(stored: StoredResponse) -> HttpResponse:
    """Return the response to the first request with the key."""
    return HttpResponse(stored.body, status=stored.status_code, headers={**stored.headers, REPLAYED_HEADER: "true"})


def parse_key(header: str) -> str:
    """Return the key in a header. With and without quotes, it is the same key.

    Raises:
        ValidationError: with the code `invalid-idempotency-key`.
    """
    if match := QUOTED_KEY.fullmatch(header):
        key = re.sub(r"\\(.)", r"\1", match[1])
    else:
        key = header if BARE_KEY.fullmatch(header) else ""
    if 1 <= len(key) <= MAX_IDEMPOTENCY_KEY_CHARACTERS:
        return key
    message = (
        f"Send one Idempotency-Key of 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} printable ASCII characters, such as a UUID. "
        "A key with a comma or a quotation mark must be in quotes."
    )
    raise ValidationError({"Idempotency-Key": message}, code="invalid-idempotency-key")


def compute_fingerprint(request: Request) -> str:
    """Return the SHA-256 of the method, the path with its query string, and the parsed body.

    The bytes of a body differ between two attempts of the same client: each multipart body has a boundary of its own, and
    compressed data can contain the time. The parsed bodies are equal. The order of the parts with different names, and of
    the keys of JSON objects, does not matter.

    Raises:
        APIException: the body is malformed, or too large.
    """
    data = dict(request.data.lists()) if isinstance(request.data, QueryDict) else request.data
    return hash_content([request.method, request.get_full_path(), data])


def _render(response: Response, request: Request) -> None:
    """Render a response as `APIView.finalize_response` does later, which then leaves it as it is."""
    response.accepted_renderer = request.accepted_renderer
    response.accepted_media_type = request.accepted_media_type
    setattr(response, "renderer_context", request.parser_context["view"].get_renderer_context())  # noqa: B010  the stubs lack it
    response.render()
