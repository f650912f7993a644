"""Builders shared by tests."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from monitoring.rollup_reader import read_cells
from monitoring.tally import total
from monitoring.windows import get_window
from predictions.models import Input, Prediction

LABELS = ["black", "grey", "white"]


def make_predictions(version, people, moments, seed=5):
    """Store predictions of all kinds at some moments."""
    rng = np.random.default_rng(seed)
    inputs = [
        Input(
            user=None, kind="tabular", features={"n": n}, sha256=f"{n:064x}", size=int(rng.integers(1, 9999)), created_at=at
        )
        for n, at in enumerate(moments)
    ]
    Input.objects.bulk_create(inputs)
    rows = []
    for one, at in zip(inputs, moments, strict=True):
        columns = {"status": "succeeded", "output": {}, "label": str(rng.choice(LABELS)), "confidence": rng.random()}
        if rng.random() < 0.2:
            columns = {"status": "failed", "error_code": str(rng.choice(["model-failed", "inference-timeout"]))}
        times = np.round(rng.lognormal(1, 1, 3), 3).tolist()
        if rng.random() < 0.1:
            times[2] = None
        columns |= dict(zip(("preprocess_ms", "queue_ms", "inference_ms"), times, strict=True))
        user = people[rng.integers(0, len(people))]
        rows.append(
            Prediction(input=one, model_version=version, user=user, source="api", created_at=at, completed_at=at, **columns)
        )
    return Prediction.objects.bulk_create(rows)


def read_frame(versions=None):
    """Return the ledger as pandas reads it."""
    fields = ("created_at", "model_version", "status", "error_code", "label", "user", "confidence", "input__size")
    rows = Prediction.objects.values(*fields, "preprocess_ms", "queue_ms", "inference_ms")
    found = pd.DataFrame(rows)
    found["took"] = found[["preprocess_ms", "queue_ms", "inference_ms"]].astype(float).sum(axis=1, skipna=False)
    return found if versions is None else found[found["model_version"].isin(versions)]


def count_values(values):
    """Count values by their text; missing values are left out."""
    return Counter(str(value) if value else "" for value in values if value is not None and value == value)


def assert_tally(tally, rows):
    """Assert that a tally is what pandas finds in the rows."""
    assert tally.predictions == len(rows)
    assert tally.counts["status"] == count_values(rows["status"])
    assert tally.counts["error"] == count_values(rows.loc[rows["error_code"] != "", "error_code"])
    assert tally.counts["label"] == count_values(rows.loc[rows["label"] != "", "label"])
    assert tally.counts["user"] == Counter("" if pd.isna(user) else str(user) for user in rows["user"])
    assert tally.confidences == rows["confidence"].count()
    assert tally.confidence_sum == pytest.approx(rows["confidence"].astype(float).sum())
    assert tally.input_bytes == rows["input__size"].sum()
    if rows["took"].count():
        found = tally.quantiles(0.5, 0.95, 0.99)
        assert found == pytest.approx(rows["took"].quantile([0.5, 0.95, 0.99]).tolist(), rel=1e-12)
    else:
        assert tally.quantiles(0.5) == [None]


def assert_window(name, now, versions=None):
    """Assert that each bucket of a window and the one before is what pandas finds."""
    window, rows = get_window(name, now=now), read_frame(versions)
    cells = read_cells(window, versions=versions)
    assert len(window.buckets) == window.count
    for one in (window.before, window):
        inside = rows[(rows["created_at"] >= one.start) & (rows["created_at"] < one.end)]
        assert_tally(total(tally for (start, _), tally in cells.items() if one.holds(start)), inside)
        for start in one.buckets:
            part = inside[(inside["created_at"] >= start) & (inside["created_at"] < start + one.step)]
            assert_tally(total(tally for (at, _), tally in cells.items() if at == start), part)
