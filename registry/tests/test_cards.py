"""Model cards: reading the file, and safe HTML."""

import pytest

from inference.errors import InvalidSignature
from registry.cards import MAX_CARD_BYTES, read_card
from registry.markdown import render_markdown

pytestmark = pytest.mark.once
INDEX = """---
license: mit
model-index:
- results:
  - metrics:
    - {type: accuracy, value: 0.9}
    - {name: F1, type: f1, value: 0.8}
    - {type: loss, value: high}
---

# Title
"""


def write_card(folder, text):
    (folder / "MODEL_CARD.md").write_text(text)
    return folder


def test_a_card_is_read_with_its_metrics(tmp_path):
    card = read_card(write_card(tmp_path, INDEX), metrics={"accuracy": 0.95})
    assert card.metrics == {"accuracy": 0.95, "F1": 0.8}  # those of model.toml take precedence
    assert card.text == "# Title"
    assert read_card(tmp_path / "MODEL_CARD.md", metrics={}).text == ""  # a file is no folder
    for broken in ("---\na: [\n---\ntext", "---\nnever closed"):
        assert read_card(write_card(tmp_path, broken), metrics={}).text == broken


def test_cards_that_cannot_be_read_are_explained(tmp_path):
    with pytest.raises(InvalidSignature, match="Received: accuracy = nan"):
        read_card(tmp_path, metrics={"accuracy": float("nan")})
    with pytest.raises(InvalidSignature, match="too large"):
        read_card(write_card(tmp_path, "x" * (MAX_CARD_BYTES + 1)), metrics={})
    (tmp_path / "MODEL_CARD.md").write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(InvalidSignature, match="UTF-8"):
        read_card(tmp_path, metrics={})


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("[x](javascript:alert(1))", "href"),
        ("[x](JaVaScRiPt&#58;alert(1))", 'href="j'),
        ("[x](data:text/html,x)", "href"),
        ("![logo](https://example.org/pixel.png)", "<img"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ('<a href="https://example.org" onclick="x()">x</a>', "<a"),
        ("<div style='position:fixed'>x</div>", "<div"),
    ],
)
def test_hostile_markdown_is_harmless(text, missing):
    assert missing not in render_markdown(text)


def test_markdown_becomes_html_below_the_headings_of_the_page():
    html = render_markdown(
        "# Title\n\n## Use\n\n#### More\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n[site](https://example.org)"
    )
    assert "Title" not in html
    assert "<h3>Use</h3>" in html
    assert "<h4>More</h4>" in html
    assert '<div class="wide" tabindex="0"><table>' in html
    assert '<a href="https://example.org" rel="noopener noreferrer nofollow">site</a>' in html
