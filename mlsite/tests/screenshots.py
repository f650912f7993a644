"""The pictures of README and docs/, from a site with made-up and real answers: python -m mlsite.tests.screenshots"""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from mlsite.tests.browser import QUIET, sign_in
from mlsite.tests.site import ROOT, SAMPLES, Site

DOCS = ROOT / "docs"
WIDE = {"width": 1180, "height": 760}
COLOURS = 128  # of a picture's palette, which halves its size
SHOWN = ("four", "two", "nine")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mlsite-screenshots-"))
    site = Site(folder, f"sqlite:///{folder}/site.sqlite3")
    try:
        site.manage("bootstrap")
        site.manage("seed_predictions", "iris", "--count", "6000", "--reviewed", "0.15", "--yes")
        site.start()
        take_all(site)
    finally:
        if site.process:
            site.stop()
        shutil.rmtree(folder)


def take_all(site: Site) -> None:
    with sync_playwright() as playwright:
        installed = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=installed, args=QUIET)
        page = browser.new_page(base_url=site.url, viewport=WIDE)
        page.goto("/tour/")
        page.get_by_role("button", name="Ask about sample 4", exact=True).click()
        save(page, "tour", whole=False)
        sign_in(page, "/")
        take_answers(page)
        take_the_rest(page)
        browser.close()


def take_answers(page: Page) -> None:
    page.locator("form.scripted").wait_for()
    refused = {"name": "notes.png", "mimeType": "image/png", "buffer": b"not a picture"}
    page.get_by_label("Choose images").set_input_files([SAMPLES / f"{name}.png" for name in SHOWN])
    page.locator(".result:not(.pending)").nth(len(SHOWN) - 1).wait_for()
    page.get_by_label("Choose images").set_input_files([refused])
    page.locator(".result.refused").wait_for()
    save(page, "upload")
    page.goto("/?model=iris&example=1")
    page.get_by_role("button", name="Predict").click()
    page.locator(".result").wait_for()
    save(page, "form")


def take_the_rest(page: Page) -> None:
    pages = {
        "history": "/predictions/?model=iris&verdict=incorrect",
        "queue": "/admin/predictions/review/queue/?order=uncertain",
        "operations": "/operations/?window=30d&model=iris",
    }
    for name, address in pages.items():
        page.goto(address)
        save(page, name, whole=False)
    page.goto("/models/iris/")
    save(page, "quality", part="#quality")


def save(page: Page, name: str, *, whole: bool = True, part: str = "") -> None:
    """Save what is on the page, or a part of it, with few colours."""
    page.wait_for_load_state("networkidle")
    data = page.locator(part).screenshot() if part else page.screenshot(full_page=whole)
    with Image.open(BytesIO(data)) as picture:
        picture.convert("RGB").quantize(COLOURS).save(DOCS / f"{name}.png", optimize=True)
    print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
