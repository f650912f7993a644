"""CPU time and memory of a server with all its processes, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")


def read_stat(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat after the name of the program: state, parent, and so on. See proc(5)."""
    return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()


def list_tree(root: int) -> list[int]:
    """Return the process and all its descendants."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            try:
                parent = int(read_stat(int(folder.name))[1])
            except (FileNotFoundError, ProcessLookupError):
                continue  # ended meanwhile
            children.setdefault(parent, []).append(int(folder.name))
    tree = [root]
    for pid in tree:
        tree += children.get(pid, [])
    return tree


def read_cpu_seconds(root: int) -> float:
    """Return the CPU time of the process, its descendants, and those that have ended since its start."""
    ticks = 0
    for pid in list_tree(root):
        try:
            fields = read_stat(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue  # ended meanwhile: its parent counts it
        ticks += sum(map(int, fields[11:15]))  # user and system time, and those of ended children
    return ticks / TICKS_PER_SECOND


def read_memory_bytes(root: int) -> int:
    """Return the proportional set size (PSS) of the process and its descendants: shared pages count once."""
    total = 0
    for pid in list_tree(root):
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total
