"""Stored predictions equal those of the model's own library: alone, in a batch, under 8 clients, and when reproduced."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from math import isclose
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connections

from core.tests.requirements import require
from inference.postprocessing import build_result
from inference.preprocessing import prepare_input
from mlsite.tests import artifact_kinds
from mlsite.tests.artifact_kinds import ArtifactKind, Expected
from predictions.models import Prediction
from predictions.services import predict
from predictions.services.inputs import prepare_input as prepare_request
from registry.services import register_model
from registry.serving import lease_predictor

TOLERANCE = 1e-5  # absolute or relative
CLIENT_COUNT = 8
MIN_INPUTS = 4


def list_kinds() -> Iterator[ArtifactKind]:
    for module in pkgutil.iter_modules(artifact_kinds.__path__, f"{artifact_kinds.__name__}."):
        yield from getattr(importlib.import_module(module.name), "KINDS", ())


def make_arguments(value: Any) -> dict[str, Any]:
    """Return an input as keyword arguments of `predict`."""
    if isinstance(value, tuple):
        return make_arguments(value[0]) | make_arguments(value[1])
    if isinstance(value, bytes):
        return {"image": ContentFile(value, name="input.png")}
    return {"text": value} if isinstance(value, str) else {"features": value}


def find_differences(output: dict[str, Any], label: str, value: float | None, expected: Expected) -> list[str]:
    differences = []
    if expected.label is not None and label != expected.label:
        differences.append(f"label {label!r} instead of {expected.label!r}")
    if expected.value is not None and not is_close(value, expected.value):
        differences.append(f"value {value!r} instead of {expected.value!r}")
    if expected.scores is not None:
        scores = output.get("scores", {})
        if scores.keys() != expected.scores.keys() or not all(
            is_close(scores[name], score) for name, score in expected.scores.items()
        ):
            differences.append(f"scores {scores} instead of {dict(expected.scores)}")
    if expected.labels is not None and output.get("labels") != list(expected.labels):
        differences.append(f"labels {output.get('labels')} instead of {expected.labels}")
    if expected.raw is not None and not is_close(output.get("raw"), expected.raw):
        differences.append(f"raw {output.get('raw')} instead of {expected.raw}")
    return differences


def is_close(received: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        return (
            isinstance(received, list)
            and len(received) == len(expected)
            and all(is_close(*pair) for pair in zip(received, expected, strict=True))
        )
    if isinstance(expected, dict):
        return received.keys() == expected.keys() and all(is_close(received[name], expected[name]) for name in expected)
    if isinstance(received, int | float) and isinstance(expected, int | float):
        return isclose(received, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(received == expected)


@pytest.mark.once
@pytest.mark.filterwarnings("ignore")  # libraries warn about their own dependencies
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("kind", list(list_kinds()), ids=str)
def test_stored_predictions_equal_those_of_the_library(kind, tmp_path):
    for module in kind.requires:
        require(module, importlib.util.find_spec(module))
    folder = tmp_path / "artifact"
    folder.mkdir()
    built = kind.build(folder)
    assert len(built.inputs) == len(built.expected) >= MIN_INPUTS
    assert len(set(map(repr, built.expected))) > 1, "all expected predictions are the same"
    version = register_model(path=built.path, promote=True, name="kind", **built.options)

    def store(value: Any) -> Prediction:
        try:
            prediction = predict(user=None, source="api", model="kind", **make_arguments(value))
            return Prediction.objects.get(pk=prediction.pk)
        finally:
            connections.close_all()

    def compare(predictions: list[Prediction]) -> list[str]:
        return [
            difference
            for row, expected in zip(predictions, built.expected, strict=True)
            for difference in [
                *([row.error_message] if row.error_code else []),
                *find_differences(row.output or {}, row.label, row.value, expected),
            ]
        ]

    assert compare([store(value) for value in built.inputs]) == [], "one by one"
    with ThreadPoolExecutor(CLIENT_COUNT) as clients:
        assert compare(list(clients.map(store, built.inputs))) == [], "with 8 clients"
    with lease_predictor(version) as predictor:
        signature = predictor.spec.signature
        requests = [prepare_request(version, user=None, **make_arguments(value)) for value in built.inputs]
        rows = predictor._run_items([prepare_input(signature.input, request.item) for request in requests])
        results = [build_result(row, signature.output, predictor.spec.labels) for row in rows]
    differences = [
        find_differences(result.output, result.label, result.value, expected)
        for result, expected in zip(results, built.expected, strict=True)
    ]
    assert not any(differences), f"in one batch: {differences}"
    call_command("reproduce", sample=2 * len(built.inputs), stdout=StringIO())
