"""Backups of a site under load, which must contain all that was acknowledged before they started."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

from mlsite.tests.faults.catalog import fault
from mlsite.tests.faults.installation import FaultSite
from mlsite.tests.faults.run import FaultRun

LOAD_SECONDS = 5


@fault("F28", "Backup under load, and restore", bar="all predictions acknowledged before the backup are restored", divisor=5)
def restore_backups(run: FaultRun) -> None:
    if "backup" not in run.site.manage("help", "--commands").split():
        run.result.not_run = "there is no command for backups"
        return
    run.start()
    for number in run.iterate_rounds():
        time.sleep(LOAD_SECONDS)
        backup, started = run.site.folder / f"backup-{number}", time.time()
        run.site.manage("backup", str(backup))
        run.wait_for_ok(since=time.time())
        restored = create_empty_site(run, number)
        began = time.monotonic()
        restored.manage("restore", str(backup))
        seconds = time.monotonic() - began
        journal = run.site.folder / f"journal-{number}.jsonl"
        events = [event for event in run.load.read("ok") if event["ended"] < started]
        journal.write_text("".join(json.dumps(event) + "\n" for event in events))
        output = restored.manage_any("verify_store", "--json", "--journal", str(journal), "--older-than", "3600")
        run.result.count_breaches(json.loads(output.splitlines()[0])["breaches"])
        run.result.notes.append(f"{len(events)} predictions acknowledged before a backup, restored in {seconds:.0f} s")


def create_empty_site(run: FaultRun, number: int) -> FaultSite:
    """Return a site with an empty database and empty folders."""
    folder = Path(run.site.folder, f"restored-{number}")
    folder.mkdir()
    url = f"sqlite:///{folder}/site.sqlite3"
    if run.is_postgres:
        name = f"restored_{uuid.uuid4().hex[:8]}"
        run.execute(f"CREATE DATABASE {name}")
        url = run.site.environment["DATABASE_URL"].rpartition("/")[0] + f"/{name}"
    return FaultSite(folder, url)
