"""Run another version on the stored input of a prediction."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from accounts.models import User
from accounts.services.usage import count_predictions
from core.locks import lock_row
from predictions.models import Prediction
from predictions.services.inputs import prepare_stored_input
from predictions.services.predict import record_prediction, run_model
from predictions.services.prediction_events import record_prediction_events
from predictions.services.rows import build_prediction
from predictions.services.stored_files import check_data_is_stored
from registry.models import ModelVersion
from registry.references import resolve_model


def predict_with_version(
    *,
    prediction: Prediction,
    version: ModelVersion,
    user: User,
    in_transaction: Callable[[Prediction], object] | None = None,
) -> Prediction:
    """Run a version on the input of a prediction, and store the result as a prediction of its own with the same input.

    Args:
        prediction: a prediction that the user can see; callers look it up with `visible_to`.
        user: who runs the version, and gets the new prediction.
        in_transaction: as `predict` takes it.

    Raises:
        UnknownModel, InactiveModel: this user cannot use the version.
        InvalidInput: the version does not accept the input.
        StoredFileError, StorageUnavailable: the stored file cannot be read, or the data was removed.
        RowDeleted: the input was removed.
        LimitReached, ModelNotRun, DatabaseError: as `predict` does.
    """
    resolved = resolve_model(str(version), user=user)
    prepared = prepare_stored_input(prediction.input, resolved.version)
    count_predictions(user=user)
    row = build_prediction(
        prediction.input, resolved.version, user, source=Prediction.Source.WEB, decode_ms=prepared.decode_ms
    )
    run_model(row, prepared, resolved)
    with transaction.atomic():
        check_data_is_stored(lock_row(prediction.input))  # it can be removed meanwhile
        row.save(force_insert=True)
        record_prediction_events(prediction_ids=[row.pk])
        if in_transaction:
            in_transaction(row)
    record_prediction(row)
    return row
