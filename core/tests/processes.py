"""Other processes in tests."""

from pathlib import Path


def is_running(pid: int) -> bool:
    """Return whether a process exists and has not ended. See proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
