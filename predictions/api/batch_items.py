"""Read the items of a batch request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.core.files.base import File

from core.api.base64_images import decode_image
from core.errors import InvalidItem
from inference.errors import InvalidInput
from inference.messages import format_names, quote_value
from predictions.services.batch import BatchItem

IMAGE_FIELDS = ("image", "file")  # names of the same field
ITEM_FIELDS = (*IMAGE_FIELDS, "features", "feature_order", "text", "client_reference")
LIST_FIELDS = ("image", "features", "text", "items")  # one of them contains the inputs
NO_INPUT = "Send several image parts, or a list of features, text, or items."


def read_items(data: Mapping[str, Any]) -> list[BatchItem | InvalidInput]:
    """Return the items of a request, or the error of an invalid item. The service validates the inputs themselves.

    Args:
        data: the validated fields of the request.

    Raises:
        InvalidInput: there are no items, too many, several kinds, or another number of references.
    """
    received = [name for name in LIST_FIELDS if name in data]
    if len(received) != 1:
        detail = f"{NO_INPUT} Received: {' and '.join(received) or 'no input'}."
        raise InvalidInput(
            detail, code="wrong-input" if received else "required", field=received[1] if received else "items"
        )
    (name,) = received
    values = data[name]
    _check_count(name, values)
    references = _read_references(name, values, data.get("client_reference"))
    if name == "items":
        _check_order(data, [])
        return [value if isinstance(value, InvalidItem) else _read_item(value) for value in values]
    order = data.get("feature_order")
    if name == "features":
        _check_order(data, values)
    items: list[BatchItem | InvalidInput] = []
    for value, reference in zip(values, references, strict=True):
        if isinstance(value, InvalidItem):
            items.append(value)
        elif isinstance(reference, InvalidInput):
            items.append(reference)
        elif name == "features":
            items.append(
                BatchItem(
                    features=value, feature_order=order if isinstance(value, list) else None, client_reference=reference
                )
            )
        else:
            items.append(_read_text(value, reference) if name == "text" else _read_file(value, reference))
    return items


def _check_count(name: str, values: Sequence[Any]) -> None:
    image_count = len(values)
    if name == "items":
        image_count = sum(isinstance(value, dict) and any(name in value for name in IMAGE_FIELDS) for value in values)
    is_table = name in ("features", "text")
    for count, limit, noun in (
        (0 if is_table else image_count, settings.MAX_BATCH_IMAGES, "images"),
        (0 if name == "image" else len(values), settings.MAX_BATCH_ROWS, "items" if name == "items" else "rows"),
    ):
        if count > limit:
            raise InvalidInput(
                f"Send at most {limit:,} {noun} in one request. Received: {count:,}. Send several requests, or create a "
                "batch job.",
                code="too-many-items",
                field=name,
            )
    if not values:
        raise InvalidInput(f"The list is empty. {NO_INPUT}", code="required", field=name)


def _check_order(data: Mapping[str, Any], values: Sequence[Any]) -> None:
    if "feature_order" in data and not any(isinstance(value, list) for value in values):
        raise InvalidInput(
            "Send feature_order only together with features as a list of lists.", code="wrong-order", field="feature_order"
        )


def _read_references(name: str, values: Sequence[Any], references: Any) -> list[str | InvalidInput]:
    if references is None:
        return [""] * len(values)
    if name == "items" or len(references) != len(values):
        detail = (
            "Send client_reference in each item."
            if name == "items"
            else f"Expected one client_reference for each input: {len(values):,}. Received: {len(references):,}."
        )
        raise InvalidInput(detail, code="wrong-count", field="client_reference")
    return [_read_reference(reference) for reference in references]


def _read_reference(value: Any) -> str | InvalidInput:
    if isinstance(value, InvalidItem):
        return InvalidInput(value.message, code=value.code, field="client_reference")
    if isinstance(value, int | float) and not isinstance(value, bool):  # as for a single request
        return str(value)
    if isinstance(value, str) and "\0" not in value:
        return value.strip()
    return InvalidInput(f"Expected text. Received: {quote_value(value)}.", code="wrong-type", field="client_reference")


def _read_file(value: Any, reference: str) -> BatchItem | InvalidInput:
    if isinstance(value, File):
        return BatchItem(value, client_reference=reference)
    return InvalidInput("Expected a file part. Received: text.", code="not-a-file", field="image")


def _read_text(value: Any, reference: str) -> BatchItem | InvalidInput:
    try:
        return BatchItem(text=_check_text(value), client_reference=reference)
    except InvalidInput as error:
        return error


def _check_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    raise InvalidInput(f"Expected text. Received: {quote_value(value)}.", code="wrong-type", field="text")


def _read_item(value: Any) -> BatchItem | InvalidInput:
    try:
        return _parse_item(value)
    except InvalidInput as error:
        return error


def _parse_item(value: Any) -> BatchItem:
    """Return an item of the list `items`, which has the fields of a single request except for the model."""
    if not isinstance(value, dict):
        raise InvalidInput(
            f"Expected an object with {format_names(ITEM_FIELDS)}. Received: {quote_value(value)}.",
            code="wrong-type",
            field="items",
        )
    if unknown := next((name for name in value if name not in ITEM_FIELDS), None):
        raise InvalidInput(
            f"There is no field {unknown[:100]!r}. Available fields: {', '.join(ITEM_FIELDS)}.",
            code="unknown-field",
            field=unknown[:100],
        )
    reference = _read_reference(value.get("client_reference", ""))
    if isinstance(reference, InvalidInput):
        raise reference
    order = value.get("feature_order")
    if order is not None and not (isinstance(order, list) and all(isinstance(name, str) for name in order)):
        raise InvalidInput("Expected a list of feature names.", code="wrong-type", field="feature_order")
    return BatchItem(_read_image(value), value.get("features"), _check_text(value.get("text")), order, reference)


def _read_image(value: Mapping[str, Any]) -> File | None:
    """Return the image of an item, in one of its two fields."""
    names = [name for name in IMAGE_FIELDS if name in value]
    if len(names) > 1:
        raise InvalidInput("Expected one image, in the field image or file.", code="one-file-only", field="image")
    return decode_image(value[names[0]], field=names[0]) if names and value[names[0]] is not None else None
