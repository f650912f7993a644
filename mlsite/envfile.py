"""Write a .env with fresh secrets: python -m mlsite.envfile .env.example .env"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

FRESH = {"SECRET_KEY=": 50, "DEMO_PASSWORD=": 9}  # bytes of randomness


def fill_in(example: str) -> str:
    """Return the text of the example with every empty secret filled in."""
    lines = [line + secrets.token_urlsafe(FRESH[line]) if line in FRESH else line for line in example.splitlines()]
    return "\n".join(lines) + "\n"


def main(example: Path, target: Path) -> None:
    """Create `target`, readable by its owner only; an existing one is left alone."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(fill_in(example.read_text()))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
