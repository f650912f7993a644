"""Summaries, operation IDs, and examples of the OpenAPI schema. Hooks of drf-spectacular."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from inference.preprocessing import make_sample_input, make_sample_row
from inference.signature import TEXT_KEY, TextInput, get_table_part
from predictions.api.schema import LIST_PATH, PNG
from registry.models import ModelVersion, RegisteredModel
from registry.querysets import PRODUCTION

EXAMPLES_FILE = Path(__file__).with_name("api_examples.json")
MAX_MODEL_EXAMPLES = 10
METHODS = ("get", "post", "put", "patch", "delete")
# Names of operations that the router derives from HTTP methods.
OPERATION_IDS = {
    "ground_truth_create": "ground_truth",
    "inputs_image_retrieve": "inputs_image",
    "models_quality_retrieve": "models_quality",
    "predictions_batch_create": "predictions_batch",
    "predictions_export_retrieve": "predictions_export",
    "predictions_reviews_destroy": "predictions_reviews_withdraw",
    "webhooks_destroy": "webhooks_delete",
    "webhooks_partial_update": "webhooks_update",
}
SUMMARIES = {
    "batch_jobs_create": "Create a batch job",
    "batch_jobs_get": "Get a batch job",
    "batch_jobs_results": "Download the results of a batch job",
    "batch_jobs_retry": "Retry failed items, or continue a batch job",
    "ground_truth": "Review many predictions",
    "inputs_get": "Get an input",
    "inputs_image": "Download the image of an input",
    "models_list": "List models",
    "models_get": "Get a model with its versions and aliases",
    "models_quality": "Get the metrics of a version",
    "predictions_batch": "Predict many inputs",
    "predictions_create": "Predict one input",
    "predictions_export": "Export predictions",
    "predictions_get": "Get a prediction",
    "predictions_reviews_create": "Review a prediction",
    "webhooks_list": "List webhooks",
    "webhooks_get": "Get a webhook",
    "webhooks_rotate_secret": "Create a new signing secret",
    "webhooks_test": "Send a test event",
    "webhooks_update": "Change a webhook",
}


def describe_operations(result: dict[str, Any], generator: object, request: Any, public: bool) -> dict[str, Any]:
    """Give each operation a short name, a summary, and an example."""
    for path in result["paths"].values():
        for method, operation in path.items():
            if method in METHODS:
                _describe_operation(operation)
    create = result["paths"].get(LIST_PATH, {}).get("post")
    if request is not None and create:
        create["requestBody"]["content"]["application/json"]["examples"] = build_model_examples(request.user)
    return result


def build_model_examples(user: Any) -> dict[str, Any]:
    """Return an example of a request for each model in production that a user can see, from its signature."""
    versions = ModelVersion.objects.filter(
        aliases__name=PRODUCTION, model__in=RegisteredModel.objects.visible_to(user)
    ).select_related("model")
    return {
        version.model.name: {"summary": version.model.title, "value": build_example(version)}
        for version in versions.order_by("model__name")[:MAX_MODEL_EXAMPLES]
    }


def build_example(version: ModelVersion) -> dict[str, Any]:
    """Return a request for a version: its sample row or text, or a small image."""
    body: dict[str, Any] = {"model": version.model.name}
    signature_input = version.parsed_signature.input
    if isinstance(signature_input, TextInput):
        return {**body, TEXT_KEY: make_sample_input(signature_input)}
    if "image" in signature_input.parts:
        body["image"] = f"data:image/png;base64,{PNG}"
    table = get_table_part(signature_input)
    return {**body, "features": make_sample_row(table)} if table else body


def _describe_operation(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    name = operation["operationId"] = OPERATION_IDS.get(
        name, name.removesuffix("_retrieve") + "_get" if name.endswith("_retrieve") else name
    )
    first_sentence = operation.get("description", "").strip().partition("\n")[0].partition(". ")[0].removesuffix(".")
    operation.setdefault("summary", SUMMARIES.get(name, first_sentence))
    example = _read_examples().get(name, {})
    if "request" in example:
        content = operation["requestBody"]["content"].get("application/json", {})
        if "examples" not in content:
            content["example"] = example["request"]
    if "response" in example:
        for status, response in operation["responses"].items():
            for media_type, content in response.get("content", {}).items():
                if status.startswith("2") and media_type in ("application/json", "text/csv"):
                    content["example"] = example["response"]


@cache
def _read_examples() -> dict[str, Any]:
    examples: dict[str, Any] = json.loads(EXAMPLES_FILE.read_text())
    return examples
