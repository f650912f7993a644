"""Made-up predictions: who asked about which input, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from math import log
from typing import Any

import numpy as np

from accounts.models import User
from demo.services.seed.outputs import Made
from demo.services.seed.timestamps import stamp
from inference.errors import InferenceTimeout, InvalidOutput, ModelFailed
from predictions.models import Input, Prediction
from registry.models import ModelVersion

Columns = dict[str, Any]

Status, Source = Prediction.Status, Prediction.Source

REFERENCE = "seed"  # client_reference of all that is made up
FAILED = 0.02  # share
FAILURES = (ModelFailed.code, InferenceTimeout.code, InvalidOutput.code)
SOURCES = (Source.WEB, Source.API, Source.BATCH)
TIMINGS = {"preprocess_ms": (0.3, 0.5), "queue_ms": (0.4, 1.0), "inference_ms": (3.0, 0.4)}
"""Of each timing its median in milliseconds, and the standard deviation of its logarithm."""


def draw_predictions(
    version: ModelVersion,
    inputs: Sequence[Input],
    answers: Sequence[Made],
    *,
    moments: Sequence[int],
    people: Sequence[User],
    rng: np.random.Generator,
) -> list[Prediction]:
    """Return one prediction for each input, not stored yet, and let the same person have sent the input just before."""
    outcomes, timings = _outcomes(answers, rng), _timings(len(inputs), rng)
    who = rng.integers(0, len(people), len(inputs)).tolist()
    sources = rng.choice(SOURCES, len(inputs)).tolist()
    rows = []
    for number, (row, moment) in enumerate(zip(inputs, moments, strict=True)):
        stamp(row, moment - 1)
        row.user = people[who[number]]
        columns = outcomes[number] | timings[number]
        rows.append(Prediction(input=row, model_version=version, user=row.user, source=sources[number], **columns))
        _complete(rows[-1], moment)
    return rows


def _outcomes(answers: Sequence[Made], rng: np.random.Generator) -> list[Columns]:
    """Return the columns of each outcome: its answer, or now and then a failure."""
    codes = rng.choice(FAILURES, len(answers)).tolist()
    failed = (rng.random(len(answers)) < FAILED).tolist()
    return [
        _failure(code) if fails else {"status": Status.SUCCEEDED} | made.columns
        for made, code, fails in zip(answers, codes, failed, strict=True)
    ]


def _failure(code: str) -> Columns:
    return {"status": Status.FAILED, "error_code": code, "error_message": f"Made up by seed_predictions: {code}."}


def _timings(count: int, rng: np.random.Generator) -> list[Columns]:
    drawn = [np.round(rng.lognormal(log(median), spread, count), 3).tolist() for median, spread in TIMINGS.values()]
    return [dict(zip(TIMINGS, row, strict=True)) for row in zip(*drawn, strict=True)]


def _complete(row: Prediction, moment: int) -> None:
    stamp(row, moment)
    row.client_reference = REFERENCE
    row.started_at = row.created_at
    row.completed_at = row.created_at + timedelta(milliseconds=sum(getattr(row, name) for name in TIMINGS))
