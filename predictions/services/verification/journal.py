"""Compare the store with the journal of a client: what was acknowledged is stored once, what was rejected is not stored.

Each line of the journal is a JSON object with a `type`: `invoke` before a request is sent; `ok` after a complete response
with the status 201; `fail` after a documented rejection (4xx); and `info` if the outcome is unknown.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from predictions.models import Input, Prediction
from predictions.services.verification.report import CHUNK_ROWS, Report
from predictions.services.verification.rows import LATENCY_FIELDS

TOLERANCE_MS = 1.0  # of stored latencies, which are rounded
OUTCOMES = ("ok", "fail", "info")
Event = Mapping[str, Any]
RowsByReference = Mapping[str, list[Prediction]]


def check_journal(report: Report, path: Path) -> None:
    """Check the events of a journal (I1, I3, I4, I8, I9).

    Raises:
        OSError: the journal cannot be read.
        ValueError: a line is not an event. An incomplete last line is ignored: its client was killed.
    """
    reported: set[str] = set()
    for chunk in _read_chunks(path, OUTCOMES):
        report.checked.update(f"journal_{event['type']}" for event in chunk)
        rows = _fetch_rows(chunk)
        shared, doubled = _find_shared_inputs(chunk, rows)
        for event in chunk:
            for invariant, message in _find_breaches(event, rows, shared, doubled):
                reported.add(event["reference"])
                report.add(invariant, message, reference=event["reference"], id=event.get("prediction", ""))
    for chunk in _read_chunks(path, ("invoke",)):  # also requests whose client was killed before their outcome
        report.checked["journal_invoke"] += len(chunk)
        for reference, found in _fetch_rows(chunk).items():
            if len(found) > 1 and reference not in reported:
                report.add("I4", f"The request is stored {len(found)} times.", reference=reference)


def _read_chunks(path: Path, types: tuple[str, ...]) -> Iterator[list[Event]]:
    events = (event for event in _read_events(path) if event["type"] in types)
    while chunk := list(islice(events, CHUNK_ROWS)):
        yield chunk


def _read_events(path: Path) -> Iterator[Event]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                event = json.loads(line)
                if not (isinstance(event, dict) and isinstance(event["reference"], str) and isinstance(event["type"], str)):
                    raise ValueError
            except (ValueError, KeyError) as error:
                if not line.endswith("\n"):
                    return
                raise ValueError(f"Line {number} of the journal is not an event with a type and a reference.") from error
            yield event


def _fetch_rows(chunk: Iterable[Event]) -> RowsByReference:
    references = {event["reference"] for event in chunk}
    rows = Prediction.objects.filter(client_reference__in=references).exclude(client_reference="")
    by_reference: dict[str, list[Prediction]] = defaultdict(list)
    for row in rows.select_related("input", "model_version__model", "user"):
        by_reference[row.client_reference].append(row)
    return by_reference


def _find_shared_inputs(chunk: Iterable[Event], rows: RowsByReference) -> tuple[set[Any], set[str]]:
    """Return the IDs of inputs with several predictions, and the SHA-256 of contents with several inputs."""
    inputs = [row.input_id for found in rows.values() for row in found]
    used: set[Any] = set()
    seen: set[Any] = set()
    for input_id in Prediction.objects.filter(input__in=inputs).values_list("input_id", flat=True):
        (used if input_id in seen else seen).add(input_id)
    hashes: dict[str, int] = defaultdict(int)
    digests = {event["sha256"] for event in chunk if event.get("sha256")}
    for digest in Input.objects.filter(sha256__in=digests).values_list("sha256", flat=True):
        hashes[digest] += 1
    return used, {digest for digest, count in hashes.items() if count > 1}


def _find_breaches(event: Event, rows: RowsByReference, shared: set[Any], doubled: set[str]) -> Iterator[tuple[str, str]]:
    found = rows.get(event["reference"], [])
    if event["type"] == "fail" and found:
        yield "I3", f"The request was rejected with the status {event.get('status')}, but is stored."
    elif event["type"] == "info" and len(found) > 1:
        yield "I4", f"The request without a response is stored {len(found)} times."
    elif event["type"] == "ok":
        if len(found) != 1:
            yield "I1", f"The acknowledged prediction is stored {len(found)} times instead of once."
            return
        (row,) = found
        if row.input_id in shared or row.input.sha256 in doubled:
            yield "I1", "The input of the acknowledged prediction is stored or used more than once."
        yield from _compare(event, row)


def _compare(event: Event, row: Prediction) -> Iterator[tuple[str, str]]:
    """Yield the differences between an acknowledged prediction and its row."""
    stored = {
        "prediction": str(row.pk),
        "input": str(row.input_id),
        "label": row.label,
        "sha256": row.input.sha256,
        "user": row.user.username if row.user else "",
        "status": row.status,
    }
    expected = {name: event.get(name) or "" for name in stored} | {"status": event.get("status") or "succeeded"}
    ignored = set() if expected["user"] else {"user"}
    for name in sorted(stored.keys() - ignored):
        if stored[name] != expected[name]:
            yield "I1", f"The {name} is {stored[name]!r}. Acknowledged: {expected[name]!r}."
    version = str(row.model_version)
    if event.get("model_version") not in (None, version):
        yield "I9", f"The model version is {version}. Acknowledged: {event['model_version']}."
    latency = sum(getattr(row, name) or 0 for name in LATENCY_FIELDS)
    if "started" in event and "ended" in event:
        wall = event.get("ms", 1000 * (event["ended"] - event["started"]))
        if latency > wall + TOLERANCE_MS:
            yield "I8", f"The latencies add up to {latency:.1f} ms. The request took {wall:.1f} ms."
