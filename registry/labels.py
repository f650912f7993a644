"""Read the labels of a model from a text file, and make them unique."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from inference.errors import InvalidSignature

MAX_REPEATED_SHARE = 0.05  # of the labels; more repetitions are a mistake, which validation rejects
NUMBERED_LINE = re.compile(r"(\d+)[\s:,;]+(\S.*)")


def read_labels(path: Path) -> tuple[list[str], list[str]]:
    """Return the labels of a file with one label per line, and notices about what was changed.

    Teachable Machine writes the index of each label before it: `0 dog`. If every line begins with its index, it is removed.

    Raises:
        InvalidSignature: the file cannot be read as text, or contains no labels.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidSignature(f"Expected a text file with one label per line. Received: {path}") from error
    if not lines:
        raise InvalidSignature(f"{path.name} contains no labels. Write one label per line, in the order of the outputs.")
    names = _remove_indices(lines)
    if names == lines:
        return lines, []
    return names, [f"labels: {', '.join(names)[:100]}, because each line of {path.name} begins with the index of its label."]


def number_repeated_labels(labels: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return labels with a number after the few names that are repeated, and a notice if there are any.

    The 1,000 classes of ImageNet contain two cranes, a bird and a machine: they become `crane` and `crane (2)`.
    """
    unique: dict[str, None] = {}  # ordered, and fast to search in long lists
    for label in labels:
        names = (label if number == 1 else f"{label} ({number})" for number in range(1, len(labels) + 1))
        unique[next(name for name in names if name not in unique)] = None
    changed = [after for before, after in zip(labels, unique, strict=True) if before != after]
    if not changed or len(changed) > MAX_REPEATED_SHARE * len(labels):
        return list(labels), []
    return list(unique), [f"labels: {', '.join(changed)[:100]}, because labels must be unique and these names are repeated."]


def _remove_indices(lines: list[str]) -> list[str]:
    matches = [NUMBERED_LINE.fullmatch(line) for line in lines]
    names = [match[2] for index, match in enumerate(matches) if match and int(match[1]) == index]
    is_numbered = len(lines) > 1 and len(names) == len(lines) == len(set(names))
    return names if is_numbered else lines
