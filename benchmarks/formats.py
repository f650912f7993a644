"""Serve models of seven formats, and send requests while the production version changes.

    PYTHONPATH=. python benchmarks/formats.py
    PYTHONPATH=. python benchmarks/formats.py --database-url postgres://user@host:5432/empty_database

1. Train one model per format with its own library, and register it on a temporary site. Compare the predictions of the API
   with those of the library.
2. Promote two versions of a model alternately while clients send requests. Check the version of each response and row.

The exit status is 1 if a prediction is wrong, mixed up, outdated, or lost.
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

from mlsite.tests.format_checks import TOLERANCE, TrainedModel, check_model, train_model
from mlsite.tests.formats import FORMATS, INPUT_COUNT
from mlsite.tests.promotion_load import run_load_test
from mlsite.tests.promotions import LoadResult
from mlsite.tests.site import Site, run_site

ROW = "{:14} {:11} {:24} {:>15} {:>19}"
MAX_PRINTED_ERRORS = 5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=5000, help="number of requests during the promotions")
    parser.add_argument("--clients", type=int, default=8, help="number of concurrent clients")
    parser.add_argument("--database-url", default="", help="URL of an empty database; default: a temporary SQLite database")
    options = parser.parse_args()
    if not importlib.util.find_spec("mlflow"):
        parser.error("MLflow is not installed. Run: make install-mlflow")
    with tempfile.TemporaryDirectory(prefix="mlsite-formats-") as temporary, ThreadPoolExecutor(2) as threads:
        folder = Path(temporary)
        training = threads.submit(train_models, folder / "models")  # while the site is bootstrapped
        with run_site(folder, options.database_url or f"sqlite:///{folder}/site.sqlite3") as site:
            token = site.create_token()
            problems = list(check_models(site, token, training.result(), threads))
            result = run_load_test(site, token, folder, count=options.requests, clients=options.clients)
    print_load_result(result, options.clients)
    problems += [f"{name}: {count}" for name, count in result.count_problems().items() if count]
    print("\n".join(f"PROBLEM {problem}" for problem in problems) or "No problems.")
    return 1 if problems else 0


def train_models(folder: Path) -> list[TrainedModel]:
    models = []
    for model_format in FORMATS:
        model_folder = folder / model_format.name
        model_folder.mkdir(parents=True)
        models.append(train_model(model_format, model_folder))
    return models


def check_models(site: Site, token: str, models: list[TrainedModel], threads: ThreadPoolExecutor) -> Iterator[str]:
    """Register two models at a time, print one line per format, and yield the problems."""
    print(ROW.format("format", "runtime", "task", "registered in s", "largest difference"), flush=True)
    futures = [(trained.format, threads.submit(check_model, site, token, trained)) for trained in models]
    for model_format, future in futures:
        try:
            result = future.result()
        except (subprocess.CalledProcessError, requests.RequestException) as error:
            yield f"{model_format} {getattr(error, 'stderr', '') or error}"
            continue
        cells = result.runtime, result.task, f"{result.seconds:.1f}", f"{result.max_difference:.1e}"
        print(ROW.format(result.format, *cells), flush=True)
        yield from (f"{model_format} {problem}" for problem in result.problems)
    print(f"Compared {INPUT_COUNT} predictions per format. The allowed difference is {TOLERANCE:g}.\n", flush=True)


def print_load_result(result: LoadResult, clients: int) -> None:
    promotions = result.promotions[1:]
    intervals = [later.confirmed_at - earlier.confirmed_at for earlier, later in pairwise(promotions)]
    workers = {response.worker for response in result.responses} - {0}
    print(f"{result.request_count} requests from {clients} clients to {len(workers)} workers, {len(result.rows)} rows")
    print(
        f"{result.request_count / result.seconds:.0f} requests per second, "
        f"{len(promotions)} promotions, one every {median(intervals or [0]):.1f} s"
    )
    alias_count = sum(response.uses_alias for response in result.responses)
    print(f"{result.count_unambiguous()} of {alias_count} requests by alias had one valid version (no promotion running)")
    for name, count in result.count_problems().items():
        print(f"{count:6} {name}")
    for error in result.errors[:MAX_PRINTED_ERRORS]:
        print(f"       {error[:300]}")


if __name__ == "__main__":
    sys.exit(main())
