"""Serve a model of any format on a running site and compare the predictions with those of the model's own library."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import requests

from mlsite.tests.formats import Format
from mlsite.tests.site import PREDICTIONS_PATH, Site

TOLERANCE = 1e-5  # of a score or a value
CLIENT_COUNT = 4


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """A folder with an artifact and its model.toml.

    Args:
        expected: what the library itself predicts for the inputs: scores (n, labels) or values (n,).
    """

    format: Format
    folder: Path
    inputs: list[Any]
    expected: Any


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The result of serving one model.

    Args:
        seconds: duration of the registration.
        max_difference: largest difference of a score or value from the library; infinite if a label differs.
    """

    format: str
    runtime: str
    task: str
    seconds: float
    max_difference: float
    problems: list[str]


def train_model(model_format: Format, folder: Path) -> TrainedModel:
    """Train and save a model of a format, and compute the expected predictions with its library."""
    path = folder / model_format.artifact
    inputs = model_format.train(path)
    expected = np.asarray(model_format.predict(path, inputs), np.float64)
    lines = [f'name = "{model_format.name}"', f'artifact = "{model_format.artifact}"']
    if model_format.labels:
        lines.append(f"labels = {json.dumps(model_format.labels)}")
    (folder / "model.toml").write_text("\n".join([*lines, model_format.toml]))
    return TrainedModel(model_format, folder, inputs, expected)


def check_model(site: Site, token: str, trained: TrainedModel) -> CheckResult:
    """Register and promote a model on a running site, and compare its predictions with the expected ones."""
    model_format, name = trained.format, trained.format.name
    problems = []
    if model_format.trusted and not is_rejected_without_trust(site, token, trained):
        problems.append("registered without --trusted")
    started = monotonic()
    site.manage("register_model", str(trained.folder), "--promote", *["--trusted"] * model_format.trusted)
    seconds = monotonic() - started
    with ThreadPoolExecutor(CLIENT_COUNT) as threads:  # concurrent requests run as one batch, which could mix them up
        predictions = list(threads.map(lambda value: send_input(site, token, name, value), trained.inputs))
    details = site.get(f"/api/v1/models/{name}/", token).json()
    version = details["versions"][0]
    if version["trusted"] != model_format.trusted:
        problems.append(f"trusted is stored as {version['trusted']}")
    if {(prediction["model"], prediction["model_version"]) for prediction in predictions} != {(name, version["number"])}:
        problems.append("a prediction names another version")
    difference = max(compute_differences(predictions, trained.expected, model_format.labels))
    if not difference <= TOLERANCE:
        problems.append(f"a prediction differs from that of the library by {difference:.1e}")
    return CheckResult(str(model_format), version["runtime"], details["task"], seconds, difference, problems)


def is_rejected_without_trust(site: Site, token: str, trained: TrainedModel) -> bool:
    """Return whether `register_model` fails without --trusted, mentions the option, and stores nothing."""
    try:
        site.manage("register_model", str(trained.folder))
    except subprocess.CalledProcessError as error:
        status = site.get(f"/api/v1/models/{trained.format.name}/", token).status_code
        return "--trusted" in error.stderr and status == 404
    return False


def compute_differences(predictions: Sequence[Any], expected: Any, labels: Sequence[str]) -> Iterator[float]:
    """Yield the largest difference of each prediction from the expected one; infinity if a label or score is wrong."""
    for prediction, target in zip(predictions, expected, strict=True):
        if not labels:
            yield inf if prediction["value"] is None else abs(prediction["value"] - target)
            continue
        scores = prediction["output"]["scores"]
        if prediction["label"] != labels[target.argmax()] or scores.keys() != set(labels):
            yield inf
        else:
            yield float(np.abs([scores[label] for label in labels] - target).max())


def send_input(site: Site, token: str, model: str, value: Any) -> Any:
    """Send a PNG file or a row, and return the prediction."""
    if isinstance(value, bytes):
        response = site.predict(value, token, model=model)
    else:
        response = site.post(PREDICTIONS_PATH, token, json={"model": model, "features": value})
    if response.status_code != 201:
        raise requests.HTTPError(f"{response.status_code} {response.text[:500]}")
    return response.json()
