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
def prepared_sites():
    """Return a function that returns the prepared site of a database. `make faults` shares them between test processes."""
    shared = os.environ.get("FAULT_PREPARED")
    root = Path(shared or tempfile.mkdtemp(prefix="mlsite-faults-"))
    root.chmod(0o755)  # the account that runs PostgreSQL must reach its data

    def get(database: str) -> Prepared:
        folder = root / database
        with (root / f"{database}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                prepare(root / f"{database}.new", database)
                (root / f"{database}.new").rename(folder)
        return Prepared(folder, database)

    yield get
    if not shared:
        shutil.rmtree(root)


# Python leaves a socket open if a killed proxy resets it between the connection and the TLS handshake.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
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
    if result.not_run:
        pytest.skip(result.not_run)
    assert (result.breaches, result.misses) == ([], []), result
    assert result.breach_count == 0, result
