"""Measure the start of a site with the example models, and the memory of the server as it predicts.

    PYTHONPATH=. python benchmarks/startup.py --predictions 10000

Prints the wall time and CPU time of `bootstrap` in an empty folder and again, the seconds until the first page and until all
workers have loaded their models, and the memory of all processes (PSS: shared memory is divided by its number of users).
The predictions are rows of `iris` and images of `digits` in turn. The memory is printed again after each tenth of them.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local

import requests

from mlsite.tests.site import PREDICTIONS_PATH, SAMPLES, Site, build_auth_header

ROW = {"sepal_length": 6.3, "sepal_width": 2.7, "petal_length": 4.9, "petal_width": 1.8}
CLIENT_COUNT = 4
STEP_COUNT = 10
threads = local()


def print_duration(title: str, call: Callable[[], object]) -> None:
    """Run a function that waits for a child process, and print its wall time and the CPU time of the child."""
    started, before = time.monotonic(), os.times()
    call()
    after = os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{title}: {time.monotonic() - started:.1f} s, {cpu:.1f} s of CPU", flush=True)


def measure_start(site: Site) -> None:
    started = time.monotonic()
    site.start(wait=False)
    while site.get_status("/accounts/login/") != 200:
        time.sleep(0.05)
    print(f"first page after {time.monotonic() - started:.1f} s", flush=True)
    worker_count = int(site.environment["WEB_CONCURRENCY"])
    while site.log.read_text().count("ready at http") < worker_count:
        time.sleep(0.05)
    print(f"models loaded after {time.monotonic() - started:.1f} s", flush=True)


def list_processes(site: Site) -> list[int]:
    assert site.process
    return [site.process.pid, *site.list_workers()]


def read_pss_megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("Pss:"))) / 1024


def print_memory(site: Site, title: str) -> None:
    sizes = [read_pss_megabytes(pid) for pid in list_processes(site)]
    shares = " + ".join(f"{size:.0f}" for size in sizes)
    print(f"memory {title}: {sum(sizes):.0f} MB (master + workers: {shares})", flush=True)


def send_predictions(site: Site, token: str, count: int) -> None:
    image = next(iter(sorted(SAMPLES.glob("*.png")))).read_bytes()

    def predict(number: int) -> None:
        if not hasattr(threads, "session"):
            threads.session = requests.Session()
            threads.session.headers.update(build_auth_header(token))
        body = {"json": {"model": "iris", "features": ROW}} if number % 2 else {"files": {"image": ("image.png", image)}}
        response = threads.session.post(site.url + PREDICTIONS_PATH, timeout=60, **body)
        assert response.status_code == 201, response.text

    with ThreadPoolExecutor(CLIENT_COUNT) as executor:
        for _ in executor.map(predict, range(count)):
            pass


def split_evenly(count: int) -> Iterator[int]:
    for step in range(STEP_COUNT):
        yield count * (step + 1) // STEP_COUNT - count * step // STEP_COUNT


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--predictions", type=int, default=1000)
    count = parser.parse_args().predictions
    with tempfile.TemporaryDirectory() as name:
        site = Site(Path(name), f"sqlite:///{name}/site.sqlite3")
        print_duration("bootstrap", lambda: site.manage("bootstrap"))
        print_duration("bootstrap again", lambda: site.manage("bootstrap"))
        token = site.create_token()
        try:
            measure_start(site)
            print_memory(site, "without requests")
            sent = 0
            for step in split_evenly(count):
                send_predictions(site, token, step)
                sent += step
                print_memory(site, f"after {sent} predictions")
            print_duration("stop", site.stop)
        finally:
            site.kill()


if __name__ == "__main__":
    main()
