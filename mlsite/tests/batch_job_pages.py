"""Process large batch jobs through the page in Chromium: python -m mlsite.tests.batch_job_pages

A CSV file of 20,000 rows, a ZIP file of 2,000 images, and 500 single images. The page is closed and opened again while each
batch job runs, the bar must move, and every item must be stored once. Prints the duration, and the growth of the memory of
the web processes. The exit status is 1 if they grow by 100 MB or more.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

from mlsite.tests.browser import CHROMIUM_ARGUMENTS, sign_in
from mlsite.tests.memory import sample_memory
from mlsite.tests.site import Site

FEATURES = ("sepal_length", "sepal_width", "petal_length", "petal_width")
IMAGE_SIZE = (640, 640)  # pixels; noise does not compress, so each image has 410 kB
MAX_GROWTH_MEGABYTES = 100
TIMEOUT_SECONDS = 900
MIN_BAR_VALUES = 5  # different values that the bar must show
JOB_PROGRESS = ".job-progress progress"


@dataclass(slots=True)
class Result:
    name: str
    seconds: float
    bar_values: int
    growth_megabytes: float

    @property
    def is_good(self) -> bool:
        return self.growth_megabytes < MAX_GROWTH_MEGABYTES and self.bar_values >= MIN_BAR_VALUES

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.seconds:.1f} s, {self.bar_values} values of the bar, "
            f"memory of the web processes +{self.growth_megabytes:.0f} MB{'' if self.is_good else ' MISSED'}"
        )


def write_table(path: Path, count: int) -> Path:
    generator = random.Random(14)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", *FEATURES])
        for number in range(count):
            writer.writerow([number, *(round(generator.uniform(0.2, 7), 2) for _ in FEATURES)])
    return path


def make_noise_image(seed: int) -> bytes:
    """Return a PNG image of random noise, not compressed: compressing it would take most of the time of this script."""
    out = BytesIO()
    values = np.random.default_rng(seed).integers(0, 256, IMAGE_SIZE, dtype=np.uint8)
    Image.fromarray(values).save(out, "PNG", compress_level=0)
    return out.getvalue()


def write_archive(path: Path, count: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            archive.writestr(f"day {number // 500}/{number:05}.png", make_noise_image(number))
    return path


def write_images(folder: Path, count: int) -> list[Path]:
    folder.mkdir()
    paths = [folder / f"{number:05}.png" for number in range(count)]
    for number, path in enumerate(paths):
        path.write_bytes(make_noise_image(1_000_000 + number))
    return paths


def open_page(context: BrowserContext, address: str, selector: str) -> Page:
    page = context.new_page()
    page.goto(address)
    page.locator(selector).wait_for()
    return page


def watch_job(context: BrowserContext, page: Page, count: int) -> int:
    """Close the page of a running batch job, open it again, and wait for the end. Return the number of values of the bar."""
    url, values = page.url, set()
    page.locator(".job-progress[hx-get]").wait_for()
    values.add(read_bar(page))
    page.close()
    page = open_page(context, url, JOB_PROGRESS)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while page.locator("#job-status .badge.succeeded").count() == 0:
        values.add(read_bar(page))
        if time.monotonic() > deadline:
            raise TimeoutError(page.locator("main").inner_text())
        time.sleep(0.2)
    expect(page.locator(".job-counts")).to_contain_text(f"{count:,} of {count:,}")
    page.close()
    return len(values)


def read_bar(page: Page) -> float | None:
    return page.evaluate(f"document.querySelector('{JOB_PROGRESS}')?.getAttribute('value')")


def run_table(context: BrowserContext, path: Path, count: int) -> int:
    page = open_page(context, "/batch-jobs/new/?model=iris", "form[enctype]")
    page.get_by_label("File").set_input_files(path)
    page.get_by_role("button", name="Upload").click()
    page.locator("#start-form button").click()
    return watch_job(context, page, count)


def run_archive(context: BrowserContext, path: Path, count: int) -> int:
    page = open_page(context, "/?model=digits", "form.scripted")
    with page.expect_navigation(timeout=TIMEOUT_SECONDS * 1000):
        page.get_by_label("Choose images").set_input_files(path)
    page.locator("#start-form button").or_(page.locator(JOB_PROGRESS)).first.wait_for()
    if page.locator("#start-form button").count():
        page.locator("#start-form button").click()
    return watch_job(context, page, count)


def run_images(context: BrowserContext, paths: list[Path], count: int) -> int:
    page = open_page(context, "/?model=digits", "form.scripted")
    page.get_by_label("Choose images").set_input_files(paths)
    bar = page.get_by_role("progressbar", name="Upload")
    values = set()
    while page.get_by_text("Upload complete").count() == 0:
        values.add(bar.get_attribute("value"))
        time.sleep(0.1)
    page.get_by_role("link", name="Open the batch job").click()
    page.locator("#job-status .badge.succeeded").wait_for(timeout=TIMEOUT_SECONDS * 1000)
    expect(page.locator(".job-counts")).to_contain_text(f"{count:,} of {count:,}")
    page.close()
    return len(values)


def count_stored(site: Site) -> dict[str, int]:
    """Return the number of items by kind of batch job. Each must have a prediction of its own."""
    return json.loads(
        site.run_script(
            "import json; from predictions.models import BatchJobItem; from django.db.models import Count;"
            "print(json.dumps(dict(BatchJobItem.objects.order_by().values_list('job__kind')"
            ".annotate(n=Count('prediction', distinct=True)))))"
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--archived-images", type=int, default=2_000)
    parser.add_argument("--images", type=int, default=500)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="mlsite-batch-job-pages-"))
    site = Site(folder, os.environ.get("DATABASE_URL") or f"sqlite:///{folder}/site.sqlite3")
    try:
        site.manage("bootstrap")
        site.start()
        runs = [
            ("table", "CSV", run_table, write_table(folder / "rows.csv", options.rows), options.rows),
            (
                "archive",
                "ZIP",
                run_archive,
                write_archive(folder / "images.zip", options.archived_images),
                options.archived_images,
            ),
            ("images", "images", run_images, write_images(folder / "images", options.images), options.images),
        ]
        results = [run_in_browser(site, title, run, files, count) for _, title, run, files, count in runs]
        stored = count_stored(site)
    finally:
        if site.process:
            site.stop()
        shutil.rmtree(folder)
    expected = {kind: count for kind, *_, count in runs}
    print(f"stored: {stored}")
    return 0 if stored == expected and all(result.is_good for result in results) else 1


def run_in_browser(site: Site, title: str, run: Callable, files: Any, count: int) -> Result:
    with sync_playwright() as playwright:
        installed = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=installed, args=CHROMIUM_ARGUMENTS)
        context = browser.new_context(base_url=site.url)
        sign_in(context.new_page(), "/")  # before the measurement, because checking a password takes 100 MB
        with sample_memory(site) as memory:
            started = time.monotonic()
            bar_values = run(context, files, count)
            seconds = time.monotonic() - started
        browser.close()
    result = Result(f"{count:,} items, {title}", seconds, bar_values, memory.growth)
    print(result, flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
