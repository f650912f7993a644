"""Fixtures for tests of a running site and of its pages in a browser."""

from __future__ import annotations

import fcntl
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, sync_playwright

from core.tests.requirements import require
from core.tests.waiting import wait_until
from mlsite.tests.browser import CHROMIUM_ARGUMENTS, WatchedContext
from mlsite.tests.site import BOOTSTRAP_SECONDS, BOOTSTRAPPED_SITE, Site, bootstrap_site, copy_site


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Repeat a failed browser test once in CI, whose machine can be slow at any moment. The report counts the repeats."""
    if os.environ.get("CI"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=1))


class EmptyPageHandler(BaseHTTPRequestHandler):
    """Serve an empty page under each URL."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Write no log."""


@pytest.fixture(scope="session")
def bootstrapped(tmp_path_factory) -> Path:
    """Return the folder of a bootstrapped site. It is never started, only copied.

    `make test` bootstraps it while other tests run. Otherwise, one test process creates it for all.
    """
    if BOOTSTRAPPED_SITE:
        wait_until(Path(BOOTSTRAPPED_SITE, "database").exists, BOOTSTRAP_SECONDS)
        return Path(BOOTSTRAPPED_SITE)
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root
    folder = root / "bootstrapped"
    with (root / "bootstrapped.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "database").exists():
            folder.mkdir()
            bootstrap_site(folder)
    return folder


@pytest.fixture(scope="session")
def other_origin() -> Iterator[str]:
    """Return the origin of a web server with an empty page, whose scripts can use the API of `site`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), EmptyPageHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="session")
def site(tmp_path_factory, bootstrapped, other_origin) -> Iterator[Site]:
    """Return a running site with the example models, as `make run` creates it. Many tests share it."""
    shared = copy_site(bootstrapped, tmp_path_factory.mktemp("site"), CORS_ALLOWED_ORIGINS=other_origin)
    shared.start()
    yield shared
    shared.stop()


@pytest.fixture
def make_site(tmp_path, bootstrapped) -> Iterator[Callable[..., Site]]:
    """Return a function that creates a site for one test, which can damage it. The site is not started."""
    sites: list[Site] = []

    def make(**settings: str) -> Site:
        folder = tmp_path / f"site-{len(sites)}"
        folder.mkdir()
        sites.append(copy_site(bootstrapped, folder, **settings))
        return sites[-1]

    yield make
    for created in sites:
        created.kill()


@pytest.fixture(scope="module")  # while Playwright runs, Django takes its thread for an asynchronous one
def browser() -> Iterator[Browser]:
    """Return the installed Chromium, or else that of Playwright."""
    installed = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        require("Chromium", installed or shutil.which(playwright.chromium.executable_path))
        running = playwright.chromium.launch(executable_path=installed, args=CHROMIUM_ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def watched(site, browser, request) -> Iterator[WatchedContext]:
    """Return a browser context that fails the test if the browser reports an error. Options can be passed indirectly."""
    options = getattr(request, "param", {})
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 850}, **options)
    context.set_default_timeout(15_000)
    watcher = WatchedContext(context, site.url)
    yield watcher
    watcher.check()
    context.close()


@pytest.fixture
def page(watched) -> Page:
    return watched.context.new_page()


@pytest.fixture(scope="module")
def seeded_site(site) -> Site:
    """Return the site with predictions of iris, half of them reviewed."""
    site.manage("seed_predictions", "iris", "--count", "300", "--reviewed", "0.5", "--files", "5", "--yes")
    site.manage("roll_up")
    return site


@pytest.fixture
def later() -> datetime:
    """Return a time at which the data of today is older than 30 days."""
    return timezone.now() + timedelta(days=31)
