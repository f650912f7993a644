"""Render Markdown of model cards as HTML. The text comes from the author of a model and is not trusted."""

from __future__ import annotations

from functools import cache

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

FIRST_HEADING_LEVEL, MAX_HEADING_LEVEL = 3, 6  # the page has the levels 1 and 2
# No images: those in the folder of the model are not stored, and those of other hosts would see the readers' addresses.
TAGS = {
    *("p", "br", "hr", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def render_markdown(text: str) -> SafeString:
    """Return safe HTML. Raw HTML in the text is shown as text, and images as their description."""
    html = nh3.clean(
        _get_parser().render(text),
        tags=TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
    # A wide table or a long line of code scrolls in its own container.
    for tag in ("table", "pre"):
        html = html.replace(f"<{tag}>", f'<div class="wide" tabindex="0"><{tag}>').replace(f"</{tag}>", f"</{tag}></div>")
    return mark_safe(html)  # noqa: S308  cleaned above  # nosec B308, B703


@cache
def _get_parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("demote", _demote_headings)
    parser.add_render_rule("image", _render_image_text)
    return parser


def _demote_headings(state) -> None:
    """Start the headings below those of the page, without gaps. Drop a title of the document at its beginning."""
    tokens = state.tokens
    if len(tokens) > 3 and tokens[0].type == "heading_open" and tokens[0].tag == "h1":
        del tokens[:3]
    headings = [token for token in tokens if token.type in ("heading_open", "heading_close")]
    levels = sorted({token.tag for token in headings})
    for token in headings:
        token.tag = f"h{min(FIRST_HEADING_LEVEL + levels.index(token.tag), MAX_HEADING_LEVEL)}"


def _render_image_text(renderer, tokens, index, options, env) -> str:
    return str(renderer.renderInlineAsText(tokens[index].children or [], options, env))
