"""The running site, one for all tests that need it."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from conftest import need
from mlsite.tests.browser import QUIET, Watched
from mlsite.tests.site import Site


def new_database(folder) -> str:
    """Return the URL of an empty database of the kind that this run is on."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        return f"sqlite:///{folder}/site.sqlite3"
    name = f"site_{uuid.uuid4().hex[:12]}"
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def site(tmp_path_factory) -> Iterator[Site]:
    """The site as `make run` makes it: bootstrapped with the digits model, served by gunicorn."""
    folder = tmp_path_factory.mktemp("site")
    running = Site(folder, new_database(folder))
    running.manage("bootstrap")
    running.start()
    yield running
    running.stop()


@pytest.fixture
def make_site(tmp_path) -> Iterator[Callable[..., Site]]:
    """Return a function that makes a site of one's own to treat badly."""
    made: list[Site] = []

    def make(**settings: str) -> Site:
        folder = tmp_path / f"site-{len(made)}"
        folder.mkdir()
        made.append(Site(folder, new_database(folder), **settings))
        made[-1].manage("bootstrap")
        return made[-1]

    yield make
    for one in made:
        if one.process and one.process.poll() is None:
            one.process.kill()
            one.process.wait()


@pytest.fixture(scope="module")  # while it is open, Django takes its thread for an asynchronous one
def browser() -> Iterator[Browser]:
    """Debian's Chromium where it is installed, else the one that Playwright brings."""
    installed = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        need("Chromium", installed or shutil.which(playwright.chromium.executable_path))
        running = playwright.chromium.launch(executable_path=installed, args=QUIET)
        yield running
        running.close()


@pytest.fixture
def watched(site, browser, request) -> Iterator[Watched]:
    options = getattr(request, "param", {})
    context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 850}, **options)
    context.set_default_timeout(15_000)
    watcher = Watched(context, site.url)
    yield watcher
    watcher.check()
    context.close()


@pytest.fixture
def page(watched) -> Page:
    return watched.context.new_page()
