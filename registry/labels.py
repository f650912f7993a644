"""Read the labels of a model from a text file."""

from __future__ import annotations

import re
from pathlib import Path

from inference.errors import InvalidSignature

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


def _remove_indices(lines: list[str]) -> list[str]:
    matches = [NUMBERED_LINE.fullmatch(line) for line in lines]
    names = [match[2] for index, match in enumerate(matches) if match and int(match[1]) == index]
    is_numbered = len(lines) > 1 and len(names) == len(lines) == len(set(names))
    return names if is_numbered else lines
