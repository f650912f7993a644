"""Template filters for batch jobs."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context
from django.urls import reverse
from django.utils.html import format_html

from predictions.batch_jobs import presentation
from predictions.models import BatchJobItem
from predictions.stored_errors import translate_stored_error

register = template.Library()
register.filter("job_title", presentation.format_job_title)
register.filter("job_format", presentation.format_job_format)
register.filter("job_items", presentation.format_all_items)
register.filter("job_status", presentation.describe_status)
register.filter("job_duration", presentation.get_duration)


@register.filter
def image_error(item: BatchJobItem) -> str:
    """Return why an image of a batch job was not accepted."""
    return translate_stored_error(item.error_message, code=item.error_code)


@register.inclusion_tag("predictions/batch_jobs/_grid.html", takes_context=True)
def job_grid(context: Context, grid: dict[str, Any]) -> dict[str, Any]:
    """Render the grid of a batch job from its context."""
    return {"csrf_token": context.get("csrf_token"), **grid}


@register.simple_tag
def batch_attributes(limits: dict[str, Any] | None, input_noun: str) -> str:
    """Return the attributes of a form whose scripts create batch jobs; none if the model does not take them."""
    if not limits:
        return ""
    return format_html(
        'data-batch-url="{}" data-batch-pages="{}" data-batch-max-bytes="{}" data-batch-max-size="{}" data-input-noun="{}"',
        reverse("api:batch-job-list"),
        reverse("predictions:batch-jobs"),
        str(limits["bytes"]),
        limits["size"],
        input_noun,
    )
