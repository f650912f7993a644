"""The German and Spanish catalogs are complete, and agree with the sources and with their compiled files."""

import os
import re
import shutil
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import polib
import pytest
from django.conf import settings
from django.core.management import call_command

ROOT = Path(settings.BASE_DIR)
CATALOGS = sorted((ROOT / "locale").rglob("*.po"))
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{\w*\}")
pytestmark = pytest.mark.once


class TagFinder(HTMLParser):
    """Collect the tags of a text with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"<{tag} {attributes}>")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"</{tag}>")


def list_tags(text: str) -> Counter[str]:
    finder = TagFinder()
    finder.feed(text)
    return Counter(finder.tags)


def find_problem(message: str, translated: str) -> str:
    """Return what differs between a message and its translation, apart from the language; empty if nothing does."""
    if set(PLACEHOLDER.findall(message)) - {"%%"} != set(PLACEHOLDER.findall(translated)) - {"%%"}:
        return "placeholders"
    if list_tags(message) != list_tags(translated):
        return "tags"
    if message.endswith("\n") != translated.endswith("\n") or message.startswith("\n") != translated.startswith("\n"):
        return "line breaks"
    return ""


def list_translations(entry: polib.POEntry) -> list[tuple[str, str]]:
    """Return (message, translation) pairs. The singular form may leave out the number, so it counts as the plural one."""
    if not entry.msgid_plural:
        return [(entry.msgid, entry.msgstr)]
    return [(entry.msgid_plural if index else entry.msgid, text) for index, text in sorted(entry.msgstr_plural.items())]


def test_both_languages_have_both_catalogs():
    names = [str(path.relative_to(ROOT / "locale")) for path in CATALOGS]
    assert names == [f"{language}/LC_MESSAGES/{name}.po" for language in ("de", "es") for name in ("django", "djangojs")]


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_catalog_is_complete(path):
    catalog = polib.pofile(str(path))
    assert [entry.msgid for entry in catalog.obsolete_entries() + catalog.fuzzy_entries()] == []
    assert [entry.msgid for entry in catalog.untranslated_entries()] == []


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_translations_have_the_placeholders_and_tags_of_the_messages(path):
    pairs = [pair for entry in polib.pofile(str(path)) for pair in list_translations(entry) if pair[1]]
    assert [(problem, *pair) for pair in pairs if (problem := find_problem(*pair))] == []


@pytest.mark.parametrize("path", CATALOGS, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_compiled_catalog_equals_its_source(path):
    source, compiled = polib.pofile(str(path)), polib.mofile(str(path.with_suffix(".mo")))
    expected = {(entry.msgctxt, entry.msgid): entry for entry in source.translated_entries()}
    found = {(entry.msgctxt, entry.msgid): entry for entry in compiled}
    assert found.keys() == expected.keys()
    for key, entry in expected.items():
        assert (found[key].msgstr, found[key].msgstr_plural) == (entry.msgstr, entry.msgstr_plural)


@pytest.mark.skipif(shutil.which("xgettext") is None, reason="GNU gettext is not installed")
@pytest.mark.parametrize("domain", ["django", "djangojs"])
def test_a_catalog_has_the_messages_of_the_sources(settings, tmp_path, monkeypatch, domain):
    ignored = re.search(r"foreach name,(.*?),--ignore", (ROOT / "Makefile").read_text())
    settings.LOCALE_PATHS = []
    monkeypatch.chdir(tmp_path)
    (tmp_path / "locale").mkdir()  # where the command writes
    for path in ROOT.iterdir():
        if path.is_dir() and not path.name.startswith(".") and path.name not in ("locale", "var"):
            (tmp_path / path.name).symlink_to(path)
    options = {"ignore_patterns": ignored[1].split(), "no_wrap": True, "symlinks": True, "verbosity": 0}
    call_command("makemessages", domain=domain, locale=["de"], **options)
    found = {entry.msgid for entry in polib.pofile(str(tmp_path / "locale" / "de" / "LC_MESSAGES" / f"{domain}.po"))}
    stored = {entry.msgid for entry in polib.pofile(os.fspath(ROOT / "locale" / "de" / "LC_MESSAGES" / f"{domain}.po"))}
    assert found == stored, "Run make messages, and translate the new messages."


def test_differences_are_found():
    assert find_problem("%(n)s rows", "Zeilen") == "placeholders"
    assert find_problem('<a href="x">a</a>', '<a href="y">a</a>') == "tags"
    assert find_problem("%(n)s <b>rows</b>", "<b>Zeilen</b>: %(n)s") == ""
