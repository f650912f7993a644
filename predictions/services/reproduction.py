"""Run stored predictions again on their own version, and compare the results. Nothing is written."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet

from core.fields import RandomBits
from core.storage_errors import StorageUnavailable
from inference.comparison import find_differences
from inference.errors import InferenceError, InvalidInput, ModelNotRun
from inference.libraries import get_library_version
from inference.predictor import WARM_UP_TIMEOUT_SECONDS
from inference.types import ModelInput
from predictions.digests import hash_stored_values
from predictions.models import Input, Prediction
from predictions.services.inputs import read_stored_input
from predictions.services.stored_files import StoredDataRemoved, StoredFileError, StoredFileMissing
from registry.errors import describe_error
from registry.models import ModelVersion
from registry.serving import lease_predictor

RANDOM_BITS = 32  # of an ID, see RandomBits
CANDIDATES_PER_PREDICTION = 10  # read from the index, because the data of some can have been removed


class InputUnavailable(Exception):
    """The stored input is missing, or is not the one that the prediction was made for."""


@dataclass(frozen=True, slots=True)
class Reproduction:
    """The comparison of a stored prediction with a new run.

    Args:
        differences: one phrase each; empty if the prediction was reproduced.
        cause: why it was not reproduced, as far as it is known.
    """

    prediction: Prediction
    differences: tuple[str, ...] = ()
    cause: str = ""


def reproduce_prediction(prediction: Prediction, *, tolerance: float) -> Reproduction:
    """Run a prediction again on its own version.

    Args:
        prediction: with its related rows.
        tolerance: allowed deviation of a number, absolute or relative.
    """
    version = prediction.model_version
    if prediction.status != Prediction.Status.SUCCEEDED:
        return Reproduction(prediction, ("there is no output to compare",), f"its status is {prediction.status}")
    try:
        differences = _compare_with_new_run(prediction, tolerance=tolerance)
        if differences and prediction.input.has_image:  # may be older than reduced decoding
            differences = _compare_with_new_run(prediction, tolerance=tolerance, decodes_fully=True) and differences
    except (InputUnavailable, InvalidInput) as error:
        return Reproduction(prediction, ("it cannot run again",), str(error))
    except ModelNotRun as error:
        return Reproduction(prediction, ("it cannot run again",), _explain_failure(version, error))
    except InferenceError as error:
        return Reproduction(prediction, ("the model failed",), _explain_failure(version, error))
    cause = (_describe_library_changes(version) or _describe_unknown_cause(version)) if differences else ""
    return Reproduction(prediction, tuple(differences), cause)


def _compare_with_new_run(prediction: Prediction, *, tolerance: float, decodes_fully: bool = False) -> list[str]:
    item = _read_verified_input(prediction, decodes_fully=decodes_fully)
    with lease_predictor(prediction.model_version, timeout=WARM_UP_TIMEOUT_SECONDS) as predictor:
        result = predictor.predict(item, timeout=WARM_UP_TIMEOUT_SECONDS)
    fields = ("label", "value", "output")
    stored, received = ({name: getattr(source, name) for name in fields} for source in (prediction, result))
    return find_differences(stored, received, tolerance=tolerance)


def pick_random_predictions(versions: Iterable[ModelVersion], count: int) -> list[UUID]:
    """Return the IDs of up to `count` random succeeded predictions, of all versions equally, ordered by version.

    Each version contributes a range of an index that starts at a random place, so that no table is scanned. Predictions
    whose data was removed are left out. If most of a version were removed, the sample can be smaller than `count`.
    """
    ids = [prediction_id for version in versions for prediction_id in _pick_of_version(version, count)]
    picked = set(random.sample(ids, min(count, len(ids))))
    return [prediction_id for prediction_id in ids if prediction_id in picked]


def _pick_of_version(version: ModelVersion, count: int) -> list[UUID]:
    rows = Prediction.objects.filter(model_version=version, status=Prediction.Status.SUCCEEDED)
    rows = rows.annotate(bits=RandomBits("id")).order_by("bits")
    start = f"{random.getrandbits(RANDOM_BITS):08x}"
    ids = _select_stored(rows.filter(bits__gte=start), count)
    if len(ids) < count:
        ids += _select_stored(rows.filter(bits__lt=start), count - len(ids))
    return ids


def _select_stored(rows: QuerySet[Prediction], count: int) -> list[UUID]:
    """Return up to `count` random rows of the first rows, without those whose data was removed."""
    candidates = rows.values("id")[: count * CANDIDATES_PER_PREDICTION]
    stored = Prediction.objects.filter(pk__in=candidates, input__data_removed_at=None).values_list("id", flat=True)
    ids = list(stored)
    return random.sample(ids, min(count, len(ids)))


def _read_verified_input(prediction: Prediction, *, decodes_fully: bool) -> ModelInput:
    """Return the stored input as the model takes it, after comparing its hash."""
    row: Input = prediction.input
    try:
        item = read_stored_input(row, prediction.model_version, decodes_fully=decodes_fully)
    except StoredDataRemoved as error:
        raise InputUnavailable("the data of the input was removed") from error
    except StoredFileMissing as error:
        raise InputUnavailable(f"the image file {row.image.name} is missing") from error
    except StorageUnavailable as error:
        raise InputUnavailable(f"the image file {row.image.name} cannot be read now. {error}".rstrip(".")) from error
    except StoredFileError as error:
        parts = "has" if row.features is None else "or its row of features has"
        raise InputUnavailable(f"the image file {row.image.name} {parts} changed: its hash differs") from error
    if not row.has_image and hash_stored_values(row) != row.sha256:
        raise InputUnavailable(f"the stored {'features have' if row.text is None else 'text has'} changed: the hash differs")
    return item


def _explain_failure(version: ModelVersion, error: InferenceError) -> str:
    return ". ".join(filter(None, (describe_error(error).rstrip("."), _describe_library_changes(version))))


def _describe_library_changes(version: ModelVersion) -> str:
    """Return the libraries whose installed version differs from the one at registration; empty if there are none."""
    installed = {name: get_library_version(name) for name in version.libraries}
    changes = [
        f"{name} {registered} at registration, {installed[name] or 'not installed'} now"
        for name, registered in version.libraries.items()
        if installed[name] != registered
    ]
    return f"library versions have changed: {'; '.join(changes)}" if changes else ""


def _describe_unknown_cause(version: ModelVersion) -> str:
    if version.libraries:
        return "unknown: the artifact, the input, and the library versions are those of the registration"
    return f"unknown: the library versions at the registration of {version} were not recorded"
