"""Serve a model of any format on a running site, and compare what it answers with what its library says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import requests

from mlsite.tests.formats import Format
from mlsite.tests.site import Site

TOLERANCE = 1e-5  # of a score or a value
PREDICTIONS = "/api/v1/predictions/"


@contextmanager
def running_site(folder: Path, database_url: str) -> Iterator[Site]:
    """Bootstrap a site in an empty folder and database, serve it, and stop it afterwards."""
    site = Site(folder, database_url)
    site.manage("bootstrap")
    try:
        site.start()
        yield site
    finally:
        if site.process:
            site.stop()


@dataclass(frozen=True, slots=True)
class Made:
    """A model in a folder with its model.toml, inputs for it, and the library's own answers to them."""

    format: Format
    folder: Path
    inputs: list[Any]
    own: Any


@dataclass(frozen=True, slots=True)
class Served:
    """What came of one format.

    Args:
        seconds: that its registration took.
        difference: from the library's own scores or values, the largest; infinite where a label is another.
    """

    format: str
    runtime: str
    task: str
    seconds: float
    difference: float
    faults: list[str]


def make(one: Format, folder: Path) -> Made:
    """Make a model of this format, and ask the library that made it."""
    inputs = one.make(folder / one.artifact)
    own = np.asarray(one.own(folder / one.artifact, inputs), np.float64)
    head = f'name = "{one.name}"\nartifact = "{one.artifact}"\n'
    (folder / "model.toml").write_text(head + (f"labels = {json.dumps(one.labels)}\n" if one.labels else "") + one.toml)
    return Made(one, folder, inputs, own)


def serve(site: Site, token: str, made: Made) -> Served:
    """Register and promote a model while the site runs, ask it, and compare each answer with the library's own."""
    one, name = made.format, made.format.name
    faults = ["registered without --trusted"] if one.trusted and not is_refused(site, token, made) else []
    started = monotonic()
    site.manage("register_model", str(made.folder), "--promote", *["--trusted"] * one.trusted)
    seconds = monotonic() - started
    with ThreadPoolExecutor(4) as threads:  # together, so that answers could be mixed up
        answers = list(threads.map(lambda given: ask(site, token, name, given), made.inputs))
    known = get(site, token, f"/api/v1/models/{name}/").json()
    version = known["versions"][0]
    if version["trusted"] != one.trusted:
        faults.append(f"trusted is recorded as {version['trusted']}")
    if {(answer["model"], answer["model_version"]) for answer in answers} != {(name, version["number"])}:
        faults.append("an answer names another version")
    difference = max(differences(answers, made.own, one.labels))
    if not difference <= TOLERANCE:
        faults.append(f"an answer differs from the library's own by {difference:.1e}")
    return Served(str(one), version["runtime"], known["task"], seconds, difference, faults)


def is_refused(site: Site, token: str, made: Made) -> bool:
    """Return whether a model is not registered without --trusted, and told of it."""
    try:
        site.manage("register_model", str(made.folder))
    except subprocess.CalledProcessError as error:
        known = get(site, token, f"/api/v1/models/{made.format.name}/").status_code
        return "--trusted" in error.stderr and known == 404
    return False


def differences(answers: Sequence[Any], own: Any, labels: Sequence[str]) -> Iterator[float]:
    """Yield how far each answer is from the library's own: infinitely, where the label is another or a score is missing."""
    for answer, expected in zip(answers, own, strict=True):
        if not labels:
            yield inf if answer["value"] is None else abs(answer["value"] - expected)
            continue
        scores = answer["output"]["scores"]
        if answer["label"] != labels[expected.argmax()] or scores.keys() != set(labels):
            yield inf
        else:
            yield float(np.abs([scores[label] for label in labels] - expected).max())


def ask(site: Site, token: str, model: str, given: Any) -> Any:
    """Return the answer to a PNG file or a row."""
    if isinstance(given, bytes):
        answer = site.ask(given, token, model=model)
    else:
        sent = {"model": model, "features": given}
        answer = requests.post(site.url + PREDICTIONS, headers=bearer(token), json=sent, timeout=60)
    if answer.status_code != 201:
        raise requests.HTTPError(f"{answer.status_code} {answer.text[:500]}")
    return answer.json()


def get(site: Site, token: str, path: str) -> requests.Response:
    return requests.get(site.url + path, headers=bearer(token), timeout=60)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
