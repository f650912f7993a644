"""All texts of pages are marked for translation, and both translations are complete."""

import ast
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings
from django.template.base import Lexer, TokenType

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted(path for path in (ROOT / "templates").rglob("*") if path.suffix in (".html", ".txt"))
SCRIPTS = sorted(path for path in (ROOT / "static").rglob("*.js") if "vendor" not in path.parts)
APPS = ("core", "accounts", "events", "registry", "predictions", "evaluation", "monitoring", "demo", "mlsite")
MODULES = sorted(
    path
    for app in APPS
    for path in (ROOT / app).rglob("*.py")
    if not {"tests", "migrations", "management", "api"} & set(path.parts)
)
WORD = re.compile(r"[^\W\d_]{2,}")
# Names that are the same in each language. `<code>` and `<kbd>` need no mark either.
NAMES = re.compile(
    r"\b(mlsite|CSV|JSON( Lines)?|Excel|ZIP|API|URL|UTC|UTF|ID|JPEG|PNG|WebP|SHA-?256|MAE|RMSE|McNemar|Swagger|ms|MB|x)\b"
)
TEXT_ATTRIBUTES = {"alt", "title", "placeholder", "aria-label", "aria-description", "hx-confirm", "data-confirm", "label"}
UNTRANSLATED_ELEMENTS = {"script", "style", "code", "pre", "kbd", "samp"}
TEXT_KEYWORDS = {
    *("label", "help_text", "verbose_name", "verbose_name_plural", "empty_label", "short_description", "description"),
    *("error_messages", "empty_value_display", "site_header", "site_title", "index_title"),
}
# Keywords of calls whose texts are not on pages, for example of the OpenAPI schema and of metrics.
TECHNICAL_CALLS = {"extend_schema", "OpenApiParameter", "OpenApiExample", "OpenApiResponse", "Counter", "Gauge", "Histogram"}
LOGGERS = ("logger", "log")
MESSAGE_FUNCTIONS = {"success", "info", "warning", "error", "debug", "message_user", "ValidationError"}


class TextFinder(HTMLParser):
    """Collect the texts and text attributes of HTML that contain a word."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.untranslated: list[str] = []

    def add(self, text: str | None) -> None:
        if text and WORD.search(NAMES.sub("", text)):
            self.texts.append(" ".join(text.split()))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in UNTRANSLATED_ELEMENTS:
            self.untranslated.append(tag)
        for name, value in attributes:
            if name in TEXT_ATTRIBUTES:
                self.add(value)

    def handle_endtag(self, tag: str) -> None:
        if self.untranslated and self.untranslated[-1] == tag:
            self.untranslated.pop()

    def handle_data(self, text: str) -> None:
        if not self.untranslated:
            self.add(text)


def find_template_texts(source: str) -> list[str]:
    """Return the texts of a template that are not inside {% translate %} or {% blocktranslate %}."""
    source = re.sub(r"({% block \w*class\w* %}).*?{% endblock", r"\1{% endblock", source)  # names of CSS classes
    finder, is_marked = TextFinder(), False
    for token in Lexer(source).tokenize():
        command = token.split_contents()[0] if token.token_type == TokenType.BLOCK else ""
        if command in ("blocktranslate", "comment"):
            is_marked = True
        elif command in ("endblocktranslate", "endcomment"):
            is_marked = False
        elif token.token_type == TokenType.TEXT and not is_marked:
            finder.feed(token.contents)
    finder.close()
    return finder.texts


def get_call_name(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def get_literals(node: ast.AST) -> Iterator[str]:
    """Return the texts of a literal, of an f-string, and of those in a conditional expression or a dictionary."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    elif isinstance(node, ast.IfExp):
        yield from [*get_literals(node.body), *get_literals(node.orelse)]
    elif isinstance(node, ast.Dict):
        yield from (text for value in node.values for text in get_literals(value))


def find_module_texts(tree: ast.AST) -> Iterator[str]:
    """Yield texts of labels, messages, and choices that are not arguments of a gettext function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and get_call_name(node) not in TECHNICAL_CALLS:
            for keyword in node.keywords:
                if keyword.arg in TEXT_KEYWORDS:
                    yield from get_literals(keyword.value)
            is_logger = isinstance(node.func, ast.Attribute) and ast.unparse(node.func.value).split(".")[-1] in LOGGERS
            if get_call_name(node) in MESSAGE_FUNCTIONS and not is_logger:
                yield from (text for argument in node.args for text in get_literals(argument))
        elif isinstance(node, ast.ClassDef) and any("Choices" in ast.unparse(base) for base in node.bases):
            values = [statement.value for statement in node.body if isinstance(statement, ast.Assign)]
            yield from (text for value in values for text in get_literals(value))
            tuples = [value for value in values if isinstance(value, ast.Tuple)]
            yield from (text for value in tuples for text in get_literals(value.elts[-1]))
        elif (
            isinstance(node, ast.Assign)
            and getattr(node.targets[0], "id", getattr(node.targets[0], "attr", "")) in TEXT_KEYWORDS
        ):
            yield from get_literals(node.value)


SCRIPT_STRING = re.compile(
    r"""(?P<call>\b(?:n?gettext|querySelector\w*|import|from|Error|matches|closest)\(?[^"`';]*)?(?P<quote>["`])(?P<text>[^"`\n]*)(?P=quote)"""
)


def find_script_texts(source: str) -> list[str]:
    """Return the texts of a script that look like a sentence or a button, and are not arguments of gettext."""
    source = re.sub(r"^\s*//.*$", "", source, flags=re.MULTILINE)
    found = []
    for match in SCRIPT_STRING.finditer(source):
        text = re.sub(r"\$\{[^}]*\}", "", match["text"]).strip()
        is_key = re.search(r"\.key(Code)? [!=]==? $", source[: match.start("quote")])  # such as event.key === "Escape"
        if not match["call"] and not is_key and re.match(r"[A-Z][a-z]+( |$|[.…])", text):
            found.append(text)
    return found


def find_unmarked(paths: list[Path], find_texts: Callable[[str], list[str]]) -> dict[str, list[str]]:
    return {str(path.relative_to(ROOT)): texts for path in paths if (texts := find_texts(path.read_text()))}


@pytest.mark.once
def test_the_texts_of_templates_are_marked():
    assert find_unmarked(TEMPLATES, find_template_texts) == {}


@pytest.mark.once
def test_the_texts_of_modules_are_marked():
    def find_texts(source: str) -> list[str]:
        return [text for text in find_module_texts(ast.parse(source)) if WORD.search(NAMES.sub("", text))]

    assert find_unmarked(MODULES, find_texts) == {}


@pytest.mark.once
def test_the_texts_of_scripts_are_marked():
    assert find_unmarked(SCRIPTS, find_script_texts) == {}


@pytest.mark.once
def test_unmarked_texts_are_found():
    template = (
        '<p title="Some text">{% translate "Marked" %} <b>bold</b> {{ x }}</p>{% blocktranslate %}No{% endblocktranslate %}'
    )
    assert find_template_texts(template) == ["Some text", "bold"]
    module = (
        'class A(TextChoices):\n    B = "b", "Bee"\nf(label="Name", help_text=_("Help"))\nmessages.error(request, f"No {x}")'
    )
    assert sorted(find_module_texts(ast.parse(module))) == ["Bee", "Name", "No "]
    assert find_script_texts('a.textContent = "Try again"; b = gettext("Marked");') == ["Try again"]


# Attributes that programs read, and filters whose results depend on the language: `floatformat:"1u"` does not.
LOCALIZED_ATTRIBUTE = re.compile(
    r"""\b(?:value|href|src|action|data-[\w-]+|min|max|step|width|height|points|[cr]?[xy][12]?|r)="[^"]*"""
    r"""\{\{[^}"]*\|(?:(?:count|percent|number|milliseconds|duration)\b|floatformat(?!:'\d?u))"""
)


@pytest.mark.once
def test_numbers_in_attributes_do_not_depend_on_the_language():
    assert LOCALIZED_ATTRIBUTE.search('<rect x="{{ bar.x|floatformat:1 }}">')
    assert not LOCALIZED_ATTRIBUTE.search("""<rect x="{{ bar.x|floatformat:'1u' }}">""")
    found = [(path.name, match[0]) for path in TEMPLATES for match in LOCALIZED_ATTRIBUTE.finditer(path.read_text())]
    assert found == []


def find_unlocalized_values(tree: ast.AST) -> Iterator[str]:
    """Yield the numbers that Python formats for a translated text, such as `_("%(n)s rows") % {"n": f"{n:,}"}`."""
    for node in ast.walk(tree):
        is_formatted = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and isinstance(node.left, ast.Call)
        if is_formatted and get_call_name(node.left) in ("_", "gettext", "ngettext", "pgettext"):
            yield from _find_formatted(node.right)


def _find_formatted(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Call) and get_call_name(node) == "localize_number":
        return
    if isinstance(node, ast.FormattedValue) and node.format_spec is not None:
        yield ast.unparse(node.value)
    for child in ast.iter_child_nodes(node):
        yield from _find_formatted(child)


@pytest.mark.once
def test_numbers_in_translated_texts_are_formatted_by_core_formatting():
    assert list(find_unlocalized_values(ast.parse('_("%(n)s rows") % {"n": f"{n:,}"}'))) == ["n"]
    assert list(find_unlocalized_values(ast.parse('_("%(n)s") % {"n": localize_number(f"{n:,}")}'))) == []
    found = [(path.name, text) for path in MODULES for text in find_unlocalized_values(ast.parse(path.read_text()))]
    assert found == []
