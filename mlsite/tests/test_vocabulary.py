"""The glossary holds in names: identifiers, file names, CSS classes and script names use none of the words it replaces."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.once
ROOT = Path(__file__).parents[2]
FORBIDDEN = {
    "ask", "asks", "asked", "asking", "answer", "answers", "answered", "answering", "opinion", "opinions",
    "judge", "judges", "judged", "judging", "truth", "truths", "tell", "tells", "telling", "told", "said", "says",
    "settle", "settles", "settled", "settling", "measuring", "figure", "figures", "findings", "ledger",
    "door", "doors", "floor", "floors", "house", "storey", "stranger", "strangers", "beside",
}  # fmt: skip
ALLOWED = re.compile(r"ground_?truth", re.IGNORECASE)
WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
APPS = ("mlsite", "core", "accounts", "events", "registry", "predictions", "evaluation", "monitoring", "demo", "inference")


def find_forbidden(name: str) -> set[str]:
    return {word.lower() for word in WORD.findall(ALLOWED.sub("", name))} & FORBIDDEN


def list_files(*suffixes: str) -> list[Path]:
    folders = [*APPS, "benchmarks", "clients", "templates", "static", "examples"]
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*")) if path.suffix in suffixes]
    return [path.relative_to(ROOT) for path in [*paths, ROOT / "conftest.py"] if "vendor" not in path.parts]


def read_python_names(path: Path) -> Iterator[str]:
    """Yield the names that a module defines: functions, classes, arguments, variables, attributes, import aliases."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.id if isinstance(node, ast.Name) else node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield node.asname


def read_template_names(path: Path) -> Iterator[str]:
    """Yield CSS classes, ids and template variables."""
    text = path.read_text()
    for value in re.findall(r'\b(?:class|id|name|for)="([^"]*)"', text):
        yield from re.sub(r"{[{%].*?[%}]}", " ", value).split()
    for code in re.findall(r"{[{%](.*?)[%}]}", text):
        yield from re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", code))


def read_css_names(path: Path) -> Iterator[str]:
    yield from re.findall(r"[.#-]([A-Za-z][\w-]*)", re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL))


def read_script_names(path: Path) -> Iterator[str]:
    text = path.read_text()
    yield from re.findall(r"\b(?:const|let|var|function|class)\s+([A-Za-z_]\w*)", text)
    yield from re.findall(r"function\s*\w*\(([^)]*)\)", text)


READERS = {".py": read_python_names, ".html": read_template_names, ".css": read_css_names, ".js": read_script_names}


@pytest.mark.parametrize("suffix", READERS)
def test_names_follow_the_glossary(suffix):
    forbidden = [
        f"{path}: {name}"
        for path in list_files(suffix)
        for name in sorted({path.stem, *READERS[suffix](ROOT / path)})
        if find_forbidden(name)
    ]
    assert forbidden == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ask_model", {"ask"}),
        ("AskView", {"ask"}),
        ("MOST_TOLD", {"told"}),
        ("answer-label", {"answer"}),
        ("trueTruth", {"truth"}),
        ("ground_truth", set()),
        ("GroundTruthView", set()),
        ("task", set()),
        ("prediction", set()),
    ],
)
def test_the_check_finds_forbidden_words(name, words):
    assert find_forbidden(name) == words
