"""All modules that inject faults. Importing this module fills the catalog."""

# ruff: noqa: F401  importing a module registers its faults
from __future__ import annotations

import os
import shutil

from mlsite.tests.faults import (
    clients,
    clocks,
    contents,
    crashes,
    databases,
    locks,
    maintenance,
    models,
    order,
    processes,
    relays,
    storage,
    topologies,
    upgrades,
)
from mlsite.tests.faults.catalog import FAULTS, Fault

__all__ = ["FAULTS", "list_missing"]


def list_missing(fault: Fault) -> list[str]:
    """Return what a fault needs and this machine does not have."""
    missing = [name for name in fault.programs if not shutil.which(name)]
    if fault.needs_root and os.geteuid() != 0:
        missing.append("root")
    return missing
