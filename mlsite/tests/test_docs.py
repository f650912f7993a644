"""The names, links, and files that README.md and docs/ mention exist."""

import re

from django.core.management import get_commands, load_command_class

from core.errors import STATUS_BY_CODE
from mlsite.tests.docs import DOCS, PAGES, ROOT

OTHER_CODES = {"inference-failed", "invalid-input", "session-ended"}  # of base classes, and of pages
FOLDERS = (
    "mlsite", "core", "accounts", "events", "registry", "predictions", "evaluation", "monitoring", "demo", "inference",
    "templates", "static", "examples", "benchmarks", "docs",
)  # fmt: skip


def list_mentioned_commands():
    """Yield (page, command, options) for each management command in the documentation."""
    for page in PAGES:
        for match in re.finditer(r"manage\.py ([a-z_]+)([^`|\n]*)", page.read_text()):
            yield page.name, match[1], re.findall(r"--[a-z][a-z-]*", match[2])
    for name, rest in re.findall(r"^\| `([a-z_]+)([^`]*)`", (DOCS / "operate.md").read_text(), re.MULTILINE):
        if name in get_commands():
            yield "operate.md", name, re.findall(r"--[a-z][a-z-]*", rest)


def test_mentioned_commands_and_options_exist():
    mentioned = list(list_mentioned_commands())
    assert len(mentioned) > 25
    for page, name, options in mentioned:
        assert name in get_commands(), f"{page}: {name}"
        parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)
        known = {option for action in parser._actions for option in action.option_strings}
        assert set(options) <= known, f"{page}: {name} {options}"


def test_links_and_images_exist():
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^)#]+)\)", page.read_text())]
    local_links = [(page, link) for page, link in links if not link.startswith("http")]
    assert len(local_links) > 20
    assert [(page.name, link) for page, link in local_links if not (page.parent / link).exists()] == []


def list_anchors(page):
    """Return the anchors of the headings of a page, as GitHub derives them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_to_headings_exist():
    links = [(page, link) for page in PAGES for link in re.findall(r"\]\(([^):]*#[^)]+)\)", page.read_text())]
    targets = [(page, *link.split("#")) for page, link in links]
    assert len(targets) > 40
    missing = [
        f"{page.name}: {name}#{anchor}"
        for page, name, anchor in targets
        if anchor not in list_anchors(page.parent / name if name else page)
    ]
    assert missing == []


def test_readme_links_to_every_page():
    names = [path.name for path in DOCS.glob("*.md")]
    assert len(names) >= 2
    readme = (ROOT / "README.md").read_text()
    assert [name for name in names if f"docs/{name}" not in readme] == []


def test_mentioned_files_exist():
    pattern = rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`"
    paths = [(page.name, path) for page in PAGES for path in re.findall(pattern, page.read_text())]
    assert len(paths) > 40
    assert [(page, path) for page, path in paths if not (ROOT / path).exists()] == []


def test_error_codes_are_documented():
    text = (DOCS / "api.md").read_text()
    assert [code for code in STATUS_BY_CODE.keys() - OTHER_CODES if f"`{code}`" not in text] == []


def test_repository_layout_lists_every_package():
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert packages < set(FOLDERS)
    layout = (ROOT / "CONTRIBUTING.md").read_text()
    assert [name for name in packages if f"| `{name}/` |" not in layout] == []
