"""Run each fault of the catalog on each database. FAULTS selects some, and FAULT_ROUNDS is the number of rounds."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from mlsite.tests import postgres
from mlsite.tests.faults.catalog import FAULTS, POSTGRES, Fault
from mlsite.tests.faults.injections import list_missing
from mlsite.tests.faults.installation import Prepared, prepare
from mlsite.tests.faults.results import Result, write_result
from mlsite.tests.faults.run import run_fault

pytestmark = pytest.mark.faults
ROUNDS = int(os.environ.get("FAULT_ROUNDS") or 20)
SELECTED = os.environ.get("FAULTS", "").split()
CASES = [
    pytest.param(fault, database, id=f"{fault.id}-{database}")
    for fault in FAULTS.values()
    for database in fault.databases
    if not SELECTED or fault.id in SELECTED
]


@pytest.fixture(scope="session")
def prepared_sites(tmp_path_factory):
    """Return a function that returns the prepared site of a database. One test process creates it for all."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root

    def get(database: str) -> Prepared:
        link = root / f"prepared-{database}"
        with (root / f"prepared-{database}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not link.exists():
                folder = Path(tempfile.mkdtemp(prefix="mlsite-faults-"))
                folder.chmod(0o755)  # the account that runs PostgreSQL must reach its data
                prepare(folder / "site", database)
                link.symlink_to(folder / "site")
        return Prepared(link.resolve(), database)

    yield get
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        for link in root.glob("prepared-*"):
            if link.is_symlink():
                shutil.rmtree(link.resolve().parent, ignore_errors=True)


@pytest.mark.parametrize(("fault", "database"), CASES)
def test_fault_loses_nothing(fault: Fault, database: str, prepared_sites):
    missing = list_missing(fault)
    if database == POSTGRES and not postgres.find_binaries():
        missing.append("PostgreSQL")
    if missing:
        reason = f"{', '.join(missing)} missing"
        write_result(Result(fault.id, fault.name, database, not_run=reason))
        pytest.skip(reason)
    result = run_fault(fault, prepared_sites(database), ROUNDS)
    write_result(result)
    assert (result.breaches, result.misses) == ([], []), result
    assert result.breach_count == 0, result
