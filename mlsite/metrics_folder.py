"""The folder in which the worker processes of a server share their metrics.

`prometheus_client` is imported inside functions: when it is imported, it reads PROMETHEUS_MULTIPROC_DIR, which the server
sets after it has imported this module.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import struct
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  only its owner can enter the folder in it
LOCK_NAME = "lock"
MERGED_TYPES = ("counter", "histogram")  # `mark_process_dead` deletes the files of gauges
MERGED_SUFFIX = "ended"  # in place of a process ID
HEAD_BYTES, MAX_ENTRY_OVERHEAD_BYTES = 8, 32  # of a file of prometheus_client, and of each key in it


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


@contextmanager
def lock_metrics(folder: Path) -> Iterator[None]:
    """Let no other process merge files in the folder during the block."""
    with (folder / LOCK_NAME).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def merge_metrics(folder: Path) -> None:
    """Merge the counters and histograms of processes that have ended into one file for each of both types.

    Otherwise, each replaced worker would leave files: they use memory, and each scrape reads all of them. If a process reads
    the metrics, or if no memory is left, nothing changes, and the next call merges the files.
    """
    try:
        with (folder / LOCK_NAME).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for kind in MERGED_TYPES:
                ended = [path for path in folder.glob(f"{kind}_*.db") if _has_ended(path.stem.rpartition("_")[2])]
                if ended:
                    _merge_files(ended, folder / f"{kind}_{MERGED_SUFFIX}.db")
    except OSError:  # of the lock too; an error would end the server
        return


def _has_ended(process_id: str) -> bool:
    if not process_id.isdecimal():
        return False
    try:
        os.kill(int(process_id), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # a process of another user has the ID now
    return False


def _merge_files(paths: list[Path], target: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    values: defaultdict[str, float] = defaultdict(float)
    for path in [*paths, target] if target.exists() else paths:
        for key, value in _read_values(path):
            values[key] += value
    merged = target.with_suffix(".tmp")
    # With the final size: a file that grows while it is mapped into memory ends the process if no memory is left.
    merged.write_bytes(bytes(HEAD_BYTES + sum(len(key.encode()) + MAX_ENTRY_OVERHEAD_BYTES for key in values)))
    content = MmapedDict(str(merged))
    for key, value in values.items():
        content.write_value(key, value, 0.0)
    content.close()
    merged.rename(target)
    for path in paths:
        path.unlink()


def _read_values(path: Path) -> list[tuple[str, float]]:
    """Return the values in a file; none if its process was killed while it created the file."""
    from prometheus_client.mmap_dict import MmapedDict

    try:
        return [(key, value) for key, value, _time, _position in MmapedDict.read_all_values_from_file(path)]
    except (struct.error, RuntimeError, UnicodeDecodeError):
        return []
