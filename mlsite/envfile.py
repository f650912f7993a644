"""Create a .env file with generated secrets: python -m mlsite.envfile .env.example .env"""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

SECRET_BYTES = {"SECRET_KEY=": 50, "DEMO_PASSWORD=": 9}
"""Number of random bytes of each secret, by its empty line in the example file."""


def fill_secrets(example: str) -> str:
    """Return the text of the example file with a generated value for each empty secret."""
    lines = [
        line + secrets.token_urlsafe(SECRET_BYTES[line]) if line in SECRET_BYTES else line for line in example.splitlines()
    ]
    return "\n".join(lines) + "\n"


def main(example: Path, target: Path) -> None:
    """Create `target`, readable only by its owner. Do nothing if it exists."""
    try:
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(fill_secrets(example.read_text()))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
