"""Views of models in the Open Inference Protocol (V2): metadata, readiness, and inference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.idempotency import BATCH_LEASE_SECONDS, get_claim, idempotent
from accounts.models import User
from accounts.scopes import PREDICT
from core.api.large_bodies import LargeBodyMixin
from inference.errors import InvalidInput
from predictions.api.store_parameter import require_storage
from predictions.api.v2.body import BodyParser, ProtocolNegotiation, get_body
from predictions.api.v2.errors import build_error, handle_exception
from predictions.api.v2.inputs import build_items, describe_inputs
from predictions.api.v2.outputs import list_outputs, select_outputs
from predictions.api.v2.requests import HEADER_LENGTH, InferenceRequest, read_request
from predictions.api.v2.responses import build_failure, build_response
from predictions.models import Prediction
from predictions.services.batch import BatchResult, predict_batch
from predictions.services.decoding import limit_request_decoding
from registry.errors import UnknownModel
from registry.integrity import get_serving_version
from registry.references import ResolvedModel, resolve_model
from registry.serving import get_pool, get_spec, get_standby

# The format of the artifact, as the protocol names it. Others have the name of the runtime.
PLATFORMS = {"onnx": "onnx_onnxv1", "tensorflow": "tensorflow_savedmodel"}


class ProtocolView(APIView):
    """A view with the errors of the protocol. Clients authenticate with a token."""

    authentication_classes = APIView.authentication_classes[:1]  # tokens only, because sessions need a CSRF token
    content_negotiation_class = ProtocolNegotiation
    parser_classes = (BodyParser,)
    schema = None  # the protocol has a schema of its own: see docs/v2.md

    def get_exception_handler(self) -> Any:
        return handle_exception

    def resolve(self, name: str, number: str | None) -> ResolvedModel:
        """Return the version that the URL names: the production alias, unless it contains an alias or a number.

        Raises:
            UnknownModel, InactiveModel: there is no such version, or this user cannot use it.
        """
        reference = name
        if number is not None:
            if not (number.isascii() and number.isdigit()) or not set(name).isdisjoint("@:"):
                raise UnknownModel(
                    f"Expected /v2/models/{{name}}/versions/{{number}}. Received: version {number[:50]!r} of {name[:50]!r}."
                )
            reference = f"{name}:{number}"
        return resolve_model(reference, user=cast(User, self.request.user))


class ModelView(ProtocolView):
    """The metadata of a model version."""

    def get(self, request: Request, name: str, number: str | None = None) -> HttpResponse:
        """Describe the inputs and outputs as tensors, derived from the signature."""
        version = self.resolve(name, number).version
        numbers = version.model.versions.order_by("number").values_list("number", flat=True)
        return JsonResponse(
            {
                "name": version.model.name,
                "versions": [str(item) for item in numbers],
                "platform": PLATFORMS.get(version.runtime, version.runtime),
                "inputs": describe_inputs(version.parsed_signature.input),
                "outputs": [output.describe() for output in list_outputs(version)],
            }
        )


class ModelReadyView(ProtocolView):
    """The readiness of a model version."""

    def get(self, request: Request, name: str, number: str | None = None) -> HttpResponse:
        """Return 200 if the version can serve requests: it is loaded, or the next request loads it. Otherwise 503."""
        resolved = self.resolve(name, number)
        model = resolved.version.model.name
        if _can_serve(resolved):
            return JsonResponse({"name": model, "ready": True})
        message = f"The model {resolved.version} cannot be loaded. The log of the server contains the reason."
        return build_error(status=503, message=message, name=model, ready=False)


def _can_serve(resolved: ResolvedModel) -> bool:
    version = get_serving_version(resolved.version, resolved.reference)
    if version is None:
        return False
    has_failed = get_pool().get_failure(get_spec(version)) is not None
    return not has_failed or get_standby(version, resolved.reference) is not None


class InferView(LargeBodyMixin, ProtocolView):
    """Inference."""

    write_scope = PREDICT

    @partial(idempotent, lease_seconds=BATCH_LEASE_SECONDS)
    def post(self, request: Request, name: str, number: str | None = None) -> HttpResponse:
        """Run a model on all rows of the input tensors, and store the inputs and the predictions.

        If a row is invalid, nothing runs and nothing is stored. If the model fails for a row, all rows are stored, and the
        response is an error.
        """
        require_storage(request)
        resolved = self.resolve(name, number)
        inference = read_request(get_body(request), header_length=request.headers.get(HEADER_LENGTH))
        select_outputs(resolved.version, inference)
        items = build_items(
            resolved.version.parsed_signature.input,
            inference.tensors,
            client_reference=inference.id,
            check_count=partial(check_row_count, width=len(resolved.version.parsed_signature.input.features)),
        )
        respond = get_claim(request).record(partial(build_infer_response, inference))
        with limit_request_decoding():
            results = predict_batch(
                user=cast(User, request.user),
                source=Prediction.Source.V2,
                items=items,
                resolved=resolved,
                all_or_nothing=True,
                in_transaction=respond.in_transaction,
            )
        return respond(results)


def build_infer_response(inference: InferenceRequest, results: Sequence[BatchResult]) -> HttpResponse:
    """Return the outputs of all rows, or the error if the model failed for at least one row."""
    predictions = [result.prediction for result in results if result.prediction]
    if any(prediction.status == Prediction.Status.FAILED for prediction in predictions):
        return build_failure(predictions)
    # Another version has run if the artifact of the resolved one cannot be loaded.
    outputs = select_outputs(predictions[0].model_version, inference)
    return build_response(predictions, outputs, request_id=inference.id)


def check_row_count(count: int, *, has_images: bool, width: int) -> None:
    """Check the number of rows of a request.

    Args:
        width: the number of features of the model.

    Raises:
        InvalidInput: there are more than the limit for a batch.
    """
    limit = settings.MAX_BATCH_IMAGES if has_images else settings.MAX_BATCH_ROWS
    limit = min(limit, settings.MAX_BATCH_VALUES // max(width, 1))
    if count > limit:
        kind = "images" if has_images else "rows"
        raise InvalidInput(
            f"Expected at most {limit:,} {kind} in one request. Received: {count:,}. Send several requests.",
            code="request-too-large",
        )
