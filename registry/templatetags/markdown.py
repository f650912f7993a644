"""The template filter that renders model cards."""

from __future__ import annotations

from django import template

from registry.markdown import render_markdown

register = template.Library()
register.filter("markdown", render_markdown)
