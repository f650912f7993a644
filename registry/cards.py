"""Read the model card of a model: the text of `MODEL_CARD.md`, and the metrics that its author measured."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from inference.errors import InvalidSignature
from inference.messages import format_bytes

CARD_NAME = "MODEL_CARD.md"
MAX_CARD_BYTES = 256 * 2**10
MAX_METRICS = 50
MAX_METRIC_NAME_CHARACTERS = 100
FRONT_MATTER_MARK = "---"


@dataclass(frozen=True, slots=True)
class CardText:
    """A model card.

    Args:
        text: Markdown, without the front matter.
        metrics: numbers by name.
    """

    text: str = ""
    metrics: dict[str, float] = field(default_factory=dict)


def read_card(path: Path, *, metrics: Mapping[str, Any]) -> CardText:
    """Read `MODEL_CARD.md` of a folder, which can be an artifact. A file without a folder has no card.

    Args:
        metrics: from `[metrics]` in `model.toml`. They take precedence over those in the front matter of the card.

    Raises:
        InvalidSignature: the card cannot be read or is too large, or a metric is not a number.
    """
    file = path / CARD_NAME
    text, declared = "", {}
    if path.is_dir() and file.is_file():
        front_matter, text = _split_front_matter(_read_text(file))
        declared = dict(_iterate_index_metrics(front_matter))
    return CardText(text, {**declared, **_check_metrics(metrics)})


def _read_text(file: Path) -> str:
    size = file.stat().st_size
    if size > MAX_CARD_BYTES:
        raise InvalidSignature(f"{file} is too large ({format_bytes(size)}). The limit is {format_bytes(MAX_CARD_BYTES)}.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"{file} cannot be read as UTF-8 text.") from error
    return text.replace("\0", "")  # which PostgreSQL does not store


def _split_front_matter(text: str) -> tuple[Any, str]:
    """Return the YAML before the text, as model cards of Hugging Face have it, and the text. Invalid YAML is text."""
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != FRONT_MATTER_MARK:
        return {}, text
    end = next((number for number, line in enumerate(lines[1:], 1) if line.rstrip() == FRONT_MATTER_MARK), None)
    if end is None:
        return {}, text
    try:
        data = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}, text
    return data, "\n".join(lines[end + 1 :]).lstrip("\n")


def _iterate_index_metrics(data: Any) -> Iterator[tuple[str, float]]:
    """Yield the metrics of a `model-index`, the first value of each name."""
    seen: set[str] = set()
    for model in _iterate_items(data, "model-index"):
        for result in _iterate_items(model, "results"):
            for metric in _iterate_items(result, "metrics"):
                name = str(metric.get("name") or metric.get("type") or "")[:MAX_METRIC_NAME_CHARACTERS]
                value: Any = metric.get("value")
                if name and name not in seen and len(seen) < MAX_METRICS and _is_number(value):
                    seen.add(name)
                    yield name, float(value)


def _iterate_items(data: Any, key: str) -> list[dict[str, Any]]:
    items = data.get(key) if isinstance(data, dict) else None
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _check_metrics(metrics: Mapping[str, Any]) -> dict[str, float]:
    if len(metrics) > MAX_METRICS:
        raise InvalidSignature(f"Expected at most {MAX_METRICS} numbers in [metrics]. Received: {len(metrics)}")
    for name, value in metrics.items():
        if not name.strip() or len(name) > MAX_METRIC_NAME_CHARACTERS or not _is_number(value):
            raise InvalidSignature(
                f"Expected each metric in [metrics] to be a name and a number. Received: {name} = {value!r:.100}"
            )
    return {name: float(value) for name, value in metrics.items()}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
