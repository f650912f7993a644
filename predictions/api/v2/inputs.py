"""The inputs of a model as tensors: the description of the signature, and the items of a request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from django.core.files.base import ContentFile, File

from core.api.base64_images import decode_image
from inference.errors import InvalidInput
from inference.messages import find_closest, format_names
from inference.signature import TEXT_KEY, AnyInput, Feature, TableInput, TextInput, get_image_part, get_table_part
from predictions.api.v2.pixels import make_image_files
from predictions.api.v2.tensors import BYTES, TEXT_PARAMETERS, Tensor, make_tensor_error
from predictions.services.batch import BatchItem

IMAGE = "image"
COMBINED_NAME = "features"  # one tensor with all features, if they are numbers. Other names are accepted too.
FEATURE_DATATYPES = {"float": "FP64", "integer": "INT64", "boolean": "BOOL"}  # the others are BYTES
IMAGE_PARAMETERS = {"content_type": "base64"}  # in JSON; binary data contains the files unchanged
MAX_LISTED_FEATURES = 20


class CountCheck(Protocol):
    """Raises InvalidInput if a request has too many rows."""

    def __call__(self, count: int, *, has_images: bool) -> None: ...


def describe_inputs(signature_input: AnyInput) -> list[dict[str, Any]]:
    """Return the metadata of the input tensors of a model."""
    tensors: list[dict[str, Any]] = []
    if get_image_part(signature_input):
        tensors.append({"name": IMAGE, "datatype": BYTES, "shape": [-1], "parameters": IMAGE_PARAMETERS})
    if isinstance(signature_input, TextInput):
        tensors.append({"name": TEXT_KEY, "datatype": BYTES, "shape": [-1], "parameters": TEXT_PARAMETERS})
    elif table := get_table_part(signature_input):
        tensors += map(_describe_feature, table.features)
    return tensors


def _describe_feature(feature: Feature) -> dict[str, Any]:
    datatype = FEATURE_DATATYPES.get(feature.type, BYTES)
    parameters: dict[str, Any] = {} if datatype != BYTES else dict(TEXT_PARAMETERS)
    if not feature.required:
        parameters["optional"] = True
    described = {"name": feature.name, "datatype": datatype, "shape": [-1, 1]}
    return {**described, "parameters": parameters} if parameters else described


def build_items(
    signature_input: AnyInput, tensors: Sequence[Tensor], *, client_reference: str, check_count: CountCheck
) -> list[BatchItem]:
    """Return one item for each row of the tensors. Values are not validated: `predict_batch` does so.

    Args:
        check_count: called before the rows are built.

    Raises:
        InvalidInput: the names, shapes, or datatypes of the tensors are not those of the model.
    """
    image_part, table = get_image_part(signature_input), get_table_part(signature_input)
    if table and not image_part and (combined := _find_combined(table, tensors)):
        check_count(combined.shape[0], has_images=False)
        return [BatchItem(features=row, client_reference=client_reference) for row in _read_combined(table, combined)]
    by_name = {tensor.name: tensor for tensor in tensors}
    _check_names(signature_input, by_name)
    count = _count_rows(tensors)
    check_count(count, has_images=image_part is not None)
    images: Sequence[File | None] = _read_images(by_name[IMAGE]) if image_part else [None] * count
    texts = _read_texts(by_name[TEXT_KEY]) if isinstance(signature_input, TextInput) else [None] * count
    rows = _read_rows(table, by_name, count) if table else [None] * count
    return [
        BatchItem(image=image, features=row, text=text, client_reference=client_reference)
        for image, row, text in zip(images, rows, texts, strict=True)
    ]


def _check_names(signature_input: AnyInput, tensors: dict[str, Tensor]) -> None:
    table = get_table_part(signature_input)
    required = [IMAGE] if get_image_part(signature_input) else []
    required += [TEXT_KEY] if isinstance(signature_input, TextInput) else []
    names = required + (table.names if table else [])
    required += [feature.name for feature in table.features if feature.required] if table else []
    for name in tensors:
        if name not in names:
            closest = find_closest(name, names)
            hint = f"Did you mean {closest!r}?" if closest else f"The inputs are {format_names(names)}."
            raise make_tensor_error(name, f"The model has no such input. {hint}", "unknown-input")
    if missing := [name for name in required if name not in tensors]:
        raise InvalidInput(
            f"Missing inputs: {format_names(missing[:MAX_LISTED_FEATURES])}.", code="required", field=missing[0]
        )


def _count_rows(tensors: Sequence[Tensor]) -> int:
    count = tensors[0].shape[0]
    for tensor in tensors:
        if tensor.shape[0] != count:
            raise make_tensor_error(
                tensor.name, f"Expected {count:,} rows, as in {tensors[0].name!r:.100}. Received: {tensor.shape[0]:,} rows."
            )
    if count == 0:
        raise InvalidInput("Expected at least one row. Received: none.", code="required")
    return count


def _read_column(tensor: Tensor) -> list[Any]:
    """Return the elements of a tensor of shape `[n]` or `[n, 1]`."""
    if any(size != 1 for size in tensor.shape[1:]):
        raise make_tensor_error(tensor.name, f"Expected the shape [-1] or [-1, 1]. Received: {list(tensor.shape)}.")
    return tensor.list_values()


def _read_images(tensor: Tensor) -> list[File | None]:
    if tensor.datatype != BYTES:
        return list(make_image_files(tensor))
    values = _read_column(tensor)
    return [_read_image(value, f"row {number:,}") for number, value in enumerate(values, 1)]


def _read_image(value: Any, row: str) -> File:
    if isinstance(value, bytes):
        return ContentFile(value)
    try:
        return decode_image(value, field=IMAGE)
    except InvalidInput as error:
        raise make_tensor_error(IMAGE, f"{row}: {error.message}", error.code) from error


def _read_texts(tensor: Tensor) -> list[Any]:
    if tensor.datatype != BYTES:
        raise make_tensor_error(tensor.name, f"Expected the datatype BYTES. Received: {tensor.datatype}.")
    values = _read_strings(tensor)
    if None in values:
        raise make_tensor_error(tensor.name, f"row {values.index(None) + 1:,}: Expected text. Received: null.")
    return values


def _read_strings(tensor: Tensor) -> list[Any]:
    """Return the elements as strings: binary data is UTF-8."""
    strings = []
    for number, value in enumerate(_read_column(tensor), 1):
        try:
            strings.append(value.decode() if isinstance(value, bytes) else value)
        except UnicodeDecodeError as error:
            raise make_tensor_error(tensor.name, f"row {number:,}: Expected text in UTF-8.") from error
    return strings


def _read_rows(table: TableInput, tensors: dict[str, Tensor], count: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(count)]
    for feature in table.features:
        tensor = tensors.get(feature.name)
        if tensor is None:
            continue
        values = _read_strings(tensor) if tensor.datatype == BYTES else _read_column(tensor)
        _fill_rows(rows, feature, values, tensor.datatype)
    return rows


def _fill_rows(rows: list[dict[str, Any]], feature: Feature, values: Sequence[Any], datatype: str) -> None:
    for row, value in zip(rows, values, strict=True):
        if value is not None:
            row[feature.name] = _convert_number(feature, value, datatype)


def _convert_number(feature: Feature, value: Any, datatype: str) -> Any:
    """Return a number as the type of the feature, if it is the same number. A tensor has one datatype for all features."""
    if feature.type == "integer" and isinstance(value, float) and value.is_integer():
        return int(value)
    if feature.type == "boolean" and datatype not in ("BOOL", BYTES) and value in (0, 1):
        return bool(value)
    return value


def _find_combined(table: TableInput, tensors: Sequence[Tensor]) -> Tensor | None:
    """Return the tensor that contains all features as columns, or None if there is one tensor for each feature."""
    if len(tensors) != 1:
        return None
    tensor = tensors[0]
    is_feature = tensor.name in table.names
    if is_feature or (len(table.features) == 1 and tensor.name != COMBINED_NAME):
        return None
    if tensor.datatype == BYTES or any(feature.type not in FEATURE_DATATYPES for feature in table.features):
        return None
    columns = len(table.features)
    if len(tensor.shape) != 2 or tensor.shape[1] != columns:
        raise make_tensor_error(
            tensor.name,
            f"Expected the shape [-1, {columns:,}], one column for each feature, or one input for each feature: "
            f"{format_names(table.names[:MAX_LISTED_FEATURES])}. Received: {list(tensor.shape)}.",
        )
    _count_rows(tensors)
    return tensor


def _read_combined(table: TableInput, tensor: Tensor) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = [{} for _ in range(tensor.shape[0])]
    values = tensor.list_values()
    for index, feature in enumerate(table.features):
        _fill_rows(rows, feature, values[index :: len(table.features)], tensor.datatype)
    return rows
