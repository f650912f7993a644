"""The running site, one for all tests that need it."""

from __future__ import annotations

import fcntl
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from core.tests.requirements import require
from mlsite.tests.browser import QUIET, Watched
from mlsite.tests.site import Site


@pytest.fixture(scope="session")
def bootstrapped(tmp_path_factory) -> Path:
    """The folder of a site that one process of this run sets up for all, and that nobody starts: sites are copies of it."""
    root = tmp_path_factory.getbasetemp()
    root = root.parent if os.environ.get("PYTEST_XDIST_WORKER") else root
    folder = root / "bootstrapped"
    with (root / "bootstrapped.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "database").exists():
            folder.mkdir()
            made = Site(folder, new_database(folder))
            made.manage("bootstrap")
            (folder / "database").write_text(made.environment["DATABASE_URL"])
    return folder


def new_database(folder: Path, *, copied_from: Path | None = None) -> str:
    """Return the URL of a database of the kind that this run is on: an empty one, or a copy of a bootstrapped site's."""
    url = os.environ.get("DATABASE_URL", "")
    if not url.startswith("postgres"):
        if copied_from:
            shutil.copy(copied_from / "site.sqlite3", folder)
        return f"sqlite:///{folder}/site.sqlite3"
    name = f"site_{uuid.uuid4().hex[:12]}"
    template = urlsplit((copied_from / "database").read_text()).path[1:] if copied_from else "template1"
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    connection.close()
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def copy_of(bootstrapped: Path, folder: Path, **settings: str) -> Site:
    shutil.copytree(bootstrapped / "var", folder / "var")
    return Site(folder, new_database(folder, copied_from=bootstrapped), **settings)


@pytest.fixture(scope="session")
def site(tmp_path_factory, bootstrapped) -> Iterator[Site]:
    """The site as `make run` makes it: bootstrapped with the examples, served by gunicorn."""
    running = copy_of(bootstrapped, tmp_path_factory.mktemp("site"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def make_site(tmp_path, bootstrapped) -> Iterator[Callable[..., Site]]:
    """Return a function that makes a site of one's own to treat badly."""
    made: list[Site] = []

    def make(**settings: str) -> Site:
        folder = tmp_path / f"site-{len(made)}"
        folder.mkdir()
        made.append(copy_of(bootstrapped, folder, **settings))
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
        require("Chromium", installed or shutil.which(playwright.chromium.executable_path))
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
