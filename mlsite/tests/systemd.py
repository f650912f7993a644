"""The systemd units that mlsite ships, for tests."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path

from mlsite.tests.site import ROOT

UNITS = ROOT / "deploy" / "systemd"
CODE_FOLDER = "/opt/mlsite"


def copy_units(folder: Path) -> list[Path]:
    """Copy the units to a folder, for the code in this folder instead of /opt/mlsite. Return the paths of the units."""
    shutil.copytree(UNITS, folder)
    for path in folder.rglob("*.*"):
        if path.is_file():
            path.write_text(path.read_text().replace(CODE_FOLDER, str(ROOT)))
    return sorted(path for path in folder.iterdir() if path.is_file())


def read_commands(name: str) -> list[list[str]]:
    """Return the commands that a unit starts, for the code in this folder. `%i` is 1, as in `mlsite-worker@1`."""
    lines = (UNITS / name).read_text().splitlines()
    values = [line.partition("=")[2] for line in lines if line.startswith("ExecStart=")]
    return [shlex.split(value.replace(CODE_FOLDER, str(ROOT)).replace("%i", "1").replace("%%", "%")) for value in values]
