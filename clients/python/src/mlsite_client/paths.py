"""Paths of the API, and the objects that they stand for."""

from __future__ import annotations

from typing import TypeAlias
from urllib.parse import quote
from uuid import UUID

from mlsite_client.types import BatchJob, Prediction

ObjectOrId: TypeAlias = Prediction | BatchJob | UUID | str

API_PATH = "/api/v1/"
CLASSES: dict[str, type[Prediction] | type[BatchJob]] = {"predictions": Prediction, "batch-jobs": BatchJob}


def build_path(collection: str, object_or_id: ObjectOrId) -> str:
    """Return the path of an object.

    Raises:
        TypeError: it belongs to another collection, or the ID is not text.
    """
    kind = CLASSES[collection]
    if isinstance(object_or_id, kind):
        object_or_id = object_or_id.id
    if not isinstance(object_or_id, (str, UUID)):
        raise TypeError(f"Expected a {kind.__name__}, or its ID. Received: {type(object_or_id).__name__}.")
    return f"{API_PATH}{collection}/{quote(str(object_or_id), safe='')}/"


def check_started(started: object) -> None:
    """Check that a value has a status. An ID does not state whether it is of a prediction or of a batch job.

    Raises:
        TypeError: it has none.
    """
    if not isinstance(started, (Prediction, BatchJob)):
        raise TypeError(
            "Expected a Prediction or a BatchJob. If you have an ID, call get or get_job first. "
            f"Received: {type(started).__name__}."
        )
