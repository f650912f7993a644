"""Can any model be served, and does each answer name the version that gave it?

    PYTHONPATH=. python benchmarks/formats.py
    PYTHONPATH=. python benchmarks/formats.py --database-url postgres://user@host:5432/an_empty_database

Makes seven models of seven formats with their own libraries, registers them on a site that it starts in a temporary folder
and compares what the API answers with what the library says. Then moves production to and fro between two versions while
clients ask. Exits with 1 when an answer differs, is mixed up, stale or lost.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import median

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import requests

from mlsite.tests.formats import FORMATS, INPUTS
from mlsite.tests.promotions import Load, load
from mlsite.tests.serving import TOLERANCE, Made, make, running_site, serve
from mlsite.tests.site import Site

ROW = "{:14} {:11} {:24} {:>15} {:>19}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000, help="asked while production moves")
    parser.add_argument("--clients", type=int, default=8, help="that ask at a time")
    parser.add_argument("--database-url", default="", help="of an empty database; default: SQLite in the temporary folder")
    options = parser.parse_args()
    if not importlib.util.find_spec("mlflow"):
        parser.error("one of the seven needs MLflow: pip install -r requirements-mlflow.txt")
    with tempfile.TemporaryDirectory(prefix="mlsite-formats-") as temporary, ThreadPoolExecutor(2) as threads:
        folder = Path(temporary)
        making = threads.submit(make_all, folder / "made")  # while the site is bootstrapped
        with running_site(folder, options.database_url or f"sqlite:///{folder}/site.sqlite3") as site:
            token = site.token()
            faults = list(serve_all(site, token, making.result(), threads))
            moved = load(site, token, folder, count=options.requests, clients=options.clients)
    print_load(moved, options.clients)
    faults += [f"{name}: {count}" for name, count in moved.faults().items() if count]
    print("\n".join(f"FAULT {fault}" for fault in faults) or "No faults.")
    return 1 if faults else 0


def make_all(folder: Path) -> list[Made]:
    made = []
    for one in FORMATS:
        own_folder = folder / one.name
        own_folder.mkdir(parents=True)
        made.append(make(one, own_folder))
    return made


def serve_all(site: Site, token: str, models: list[Made], threads: ThreadPoolExecutor) -> Iterator[str]:
    """Print a line for each format, two of them registered at a time, and yield what is wrong."""
    print(ROW.format("format", "runtime", "task", "registered in s", "largest difference"), flush=True)
    serving = [(made.format, threads.submit(serve, site, token, made)) for made in models]
    for one, promise in serving:
        try:
            served = promise.result()
        except (subprocess.CalledProcessError, requests.RequestException) as error:
            yield f"{one} {getattr(error, 'stderr', '') or error}"
            continue
        told = served.runtime, served.task, f"{served.seconds:.1f}", f"{served.difference:.1e}"
        print(ROW.format(served.format, *told), flush=True)
        yield from (f"{one} {fault}" for fault in served.faults)
    print(f"{INPUTS} answers of each compared with the library's own; at most {TOLERANCE:g} apart is right.\n", flush=True)


def print_load(moved: Load, clients: int) -> None:
    promotions = moved.promotions[1:]
    apart = median([later.done - one.done for one, later in pairwise(promotions)] or [0])
    workers = {one.worker for one in moved.answers} - {0}
    print(f"{moved.requests} requests by {clients} clients to {len(workers)} workers, {len(moved.rows)} rows read back.")
    print(f"{moved.requests / moved.seconds:.0f} requests/s, {len(promotions)} promotions, one every {apart:.1f} s.")
    by_alias = sum(one.by_alias for one in moved.answers)
    print(f"{moved.certain()} of {by_alias} requests by alias had one right version; the others met a move under way.")
    for name, count in moved.faults().items():
        print(f"{count:6} {name}")
    for error in moved.errors[:5]:
        print(f"       {error[:300]}")


if __name__ == "__main__":
    sys.exit(main())
