"""Create predictions without REST framework, for requests that are plainly correct.

For each prediction, the request, negotiation, parsers, serializer, and response of REST framework use 0.3 of 0.6 ms of CPU
(without the database and the model), and its authentication is a query of its own (see `registry.callers`).
`accept_direct_requests` therefore handles the requests that programs usually send: with a valid token, an existing model,
well-formed parameters, and neither a query string nor the headers Idempotency-Key or Prefer. All others go to the viewset,
which reads the same body again, so that all errors in the request itself are reported by the viewset. Both use the same
services and build the same response.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from rest_framework.exceptions import ParseError
from rest_framework.settings import api_settings

from accounts.api import idempotency
from accounts.models import User
from accounts.requests import parse_bearer_header
from core.api import preferences
from core.api.base64_images import decode_image
from core.api.multipart import split_plain_form
from core.api.parsers import parse_json
from core.api.problems import handle_exception
from core.api.renderers import render_json
from core.storage_errors import StorageUnavailable
from inference.errors import InferenceError, InvalidInput
from predictions.api.raw_images import MEDIA_TYPES, build_image
from predictions.api.responses import build_failure_response, represent_created
from predictions.models import Prediction
from predictions.models.prediction import MAX_CLIENT_REFERENCE_CHARACTERS
from predictions.services import predict
from registry.callers import find_caller
from registry.errors import UnknownModel
from registry.references import MAX_REFERENCE_CHARACTERS

View = Callable[..., HttpResponse]

JSON_MEDIA_TYPES = {"*/*", "application/json"}
OTHER_MEDIA_TYPES = {"text/plain"}  # some clients, such as axios, accept it after JSON
INPUT_TYPES: dict[str, type] = {"image": str, "features": dict, "text": str}
MAX_CHARACTERS = {"model": MAX_REFERENCE_CHARACTERS, "client_reference": MAX_CLIENT_REFERENCE_CHARACTERS}
VIEWSET_HEADERS = {idempotency.META_NAME, preferences.META_NAME}  # requests with these go to the viewset
ALLOW_HEADER = "GET, POST, HEAD, OPTIONS"  # REST framework adds it to each response


def accept_direct_requests(viewset_view: View) -> View:
    """Return a view that creates predictions directly if it can, and otherwise calls the viewset's view.

    It has the attributes of the viewset's view, from which the OpenAPI schema is generated.
    """

    @wraps(viewset_view)
    def view(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = create_directly(request) if request.method == "POST" else None
        if response is None:
            return viewset_view(request, *args, **kwargs)
        response.headers["Allow"] = ALLOW_HEADER
        return response

    return view


def create_directly(request: HttpRequest) -> HttpResponse | None:
    """Create a prediction and return the response, or return None if the viewset must handle the request.

    Errors of the input, the model, the database, and the disk become responses here, through the viewset's exception
    handler. Only errors that occur before the throttle counts the request are left to the viewset.
    """
    secret = parse_bearer_header(request.META.get("HTTP_AUTHORIZATION", ""))
    if (
        not secret
        or request.META.get("QUERY_STRING")
        or not VIEWSET_HEADERS.isdisjoint(request.META)
        or not _accepts_json(request)
    ):
        return None
    try:
        parameters = _read_parameters(request)
        if parameters is None:
            return None
        model, client_reference = (parameters.pop(name, "") for name in MAX_CHARACTERS)
        caller = find_caller(secret=secret, reference=model)
        if caller is None or not _is_within_rate(request, caller.user):
            return None
        prediction = predict(
            user=caller.user,
            source=Prediction.Source.API,
            model=model,
            resolved=caller.resolved,
            client_reference=client_reference,
            **parameters,
        )
    except UnknownModel:
        return None
    except (InferenceError, StorageUnavailable, DatabaseError, InterfaceError, UnreadablePostError) as error:
        response = handle_exception(error, {})
        if response is None:
            raise
        return response
    return _build_response(prediction, request, caller.user)


def _build_response(prediction: Prediction, request: HttpRequest, user: User) -> HttpResponse:
    body = represent_created(prediction, request=request, reader=user)
    if prediction.status == Prediction.Status.FAILED:
        return build_failure_response(prediction, url=body["url"])
    return HttpResponse(render_json(body), status=201, content_type="application/json", headers={"Location": body["url"]})


def _accepts_json(request: HttpRequest) -> bool:
    header: str = request.META.get("HTTP_ACCEPT", "*/*")
    accepted = {media_type.strip() for media_type in header.split(",")}
    return not accepted.isdisjoint(JSON_MEDIA_TYPES) and accepted <= JSON_MEDIA_TYPES | OTHER_MEDIA_TYPES


def _is_within_rate(request: HttpRequest, user: User) -> bool:
    """Return whether the throttle allows the request. A refused request is not counted, so the viewset refuses it too."""
    request.user = user
    throttle_classes: list[Any] = list(api_settings.DEFAULT_THROTTLE_CLASSES)
    return all(throttle_class().allow_request(request, None) for throttle_class in throttle_classes)


def _read_parameters(request: HttpRequest) -> dict[str, Any] | None:
    """Return the parameters of the body, or None if the viewset must check them.

    Raises:
        UnreadablePostError: the client has not sent the whole body.
    """
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
        return None  # Django does not cache a larger body, so that the viewset could not read it again
    content_type = request.META.get("CONTENT_TYPE", "")
    body = request.body
    if content_type == "application/json":
        return _read_json(body)
    if content_type in MEDIA_TYPES:
        return {"image": build_image(body, request.META.get("HTTP_CONTENT_DISPOSITION", ""))} if body else None
    return _read_form(body, content_type)


def _read_form(body: bytes, content_type: str) -> dict[str, Any] | None:
    form: dict[str, Any] = split_plain_form(body, content_type) or {}
    if "file" in form and "image" not in form:
        form["image"] = form.pop("file")
    texts = {name: value for name, value in form.items() if name != "image"}
    return form if isinstance(form.get("image"), File) and _are_valid_texts(texts) else None


def _read_json(body: bytes) -> dict[str, Any] | None:
    try:
        parameters = parse_json(body)
    except ParseError:
        return None
    if not isinstance(parameters, dict):
        return None
    inputs = {name: value for name, value in parameters.items() if name not in MAX_CHARACTERS}
    if not inputs or not all(isinstance(value, INPUT_TYPES.get(name, ())) for name, value in inputs.items()):
        return None
    if not _are_valid_texts({name: value for name, value in parameters.items() if name in MAX_CHARACTERS}):
        return None
    if "image" in parameters:
        try:
            parameters["image"] = decode_image(parameters["image"])
        except InvalidInput:
            return None
    return parameters


def _are_valid_texts(texts: dict[str, Any]) -> bool:
    """Return whether all texts have known names and would pass the serializer unchanged."""
    return texts.keys() <= MAX_CHARACTERS.keys() and all(
        isinstance(text, str) and len(text) <= MAX_CHARACTERS[name] and text == text.strip() and "\0" not in text
        for name, text in texts.items()
    )
