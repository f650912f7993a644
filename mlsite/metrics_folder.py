"""The folder in which the worker processes of a server share their metrics."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  only its owner can enter the folder in it


def choose_metrics_folder(var_dir: str | Path, *, shared_memory: Path = SHARED_MEMORY) -> Path:
    """Return the folder of this server: in memory, or else in VAR_DIR. Delete those of servers that were killed.

    Metrics are files that are mapped into memory. The system ends a process with SIGBUS when it writes to such a file on a
    full disk: with the folder on the disk of VAR_DIR, all workers of a site with a full disk died repeatedly.
    """
    digest = hashlib.sha256(str(Path(var_dir).absolute()).encode()).hexdigest()[:12]
    folder = shared_memory / f"mlsite-{os.geteuid()}-{digest}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        is_own = folder.stat().st_uid == os.geteuid() and not folder.is_symlink()
    except OSError:
        is_own = False
    if not is_own:
        folder = Path(var_dir, "run")
    for left in folder.glob("metrics-*"):
        if not Path("/proc", left.name.removeprefix("metrics-")).exists():
            shutil.rmtree(left, ignore_errors=True)
    return folder / f"metrics-{os.getpid()}"
