"""Update the screenshots in docs/ from a temporary site with generated data: python -m mlsite.tests.screenshots"""

from __future__ import annotations

import shutil
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from mlsite.tests.browser import CHROMIUM_ARGUMENTS, sign_in
from mlsite.tests.site import ROOT, SAMPLES, Site

DOCS = ROOT / "docs"
VIEWPORT = {"width": 1180, "height": 760}
MAX_COLORS = 96  # a palette halves the size of the files
SAMPLE_NAMES = ("four", "two", "nine")
PAGES = {
    "history": "/predictions/?model=iris&verdict=incorrect",
    "queue": "/admin/predictions/review/queue/?order=uncertain",
    "operations": "/operations/?window=30d&model=iris",
}


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="mlsite-screenshots-"))
    site = Site(folder, f"sqlite:///{folder}/site.sqlite3")
    try:
        site.manage("bootstrap")
        site.manage("seed_predictions", "iris", "--count", "6000", "--reviewed", "0.15", "--yes")
        site.start()
        save_all(site)
    finally:
        if site.process:
            site.stop()
        shutil.rmtree(folder)


def save_all(site: Site) -> None:
    with sync_playwright() as playwright:
        installed = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=installed, args=CHROMIUM_ARGUMENTS)
        page = browser.new_page(base_url=site.url, viewport=VIEWPORT)
        save_tour(page)
        sign_in(page, "/")
        save_predict_pages(page)
        for name, address in PAGES.items():
            page.goto(address)
            save_screenshot(page, name, full_page=False)
        page.goto("/models/iris/evaluation/")
        save_screenshot(page, "quality", selector="#quality")
        browser.close()


def save_tour(page: Page) -> None:
    page.goto("/tour/")
    page.locator("button[name=sample]").nth(3).click()
    page.locator(".result").wait_for()
    save_screenshot(page, "tour", full_page=False)


def save_predict_pages(page: Page) -> None:
    page.locator("form.scripted").wait_for()
    invalid_file = {"name": "notes.png", "mimeType": "image/png", "buffer": b"not an image"}
    page.get_by_label("Choose images").set_input_files([SAMPLES / f"{name}.png" for name in SAMPLE_NAMES])
    page.locator(".result:not(.pending)").nth(len(SAMPLE_NAMES) - 1).wait_for()
    page.get_by_label("Choose images").set_input_files([invalid_file])
    page.locator(".result:not(.pending)").nth(len(SAMPLE_NAMES)).wait_for()
    save_screenshot(page, "upload")
    page.goto("/?model=iris&example=1")
    page.get_by_role("button", name="Predict").click()
    page.locator(".result").wait_for()
    save_screenshot(page, "form")


def save_screenshot(page: Page, name: str, *, full_page: bool = True, selector: str = "") -> None:
    """Save the page, or the element that matches the selector, as docs/<name>.png."""
    page.wait_for_load_state("networkidle")
    data = page.locator(selector).screenshot() if selector else page.screenshot(full_page=full_page)
    with Image.open(BytesIO(data)) as image:
        image.convert("RGB").quantize(MAX_COLORS).save(DOCS / f"{name}.png", optimize=True)
    print(f"docs/{name}.png")


if __name__ == "__main__":
    main()
