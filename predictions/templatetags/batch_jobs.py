"""Template filters for batch jobs."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from predictions import batch_job_presentation

register = template.Library()
register.filter("job_title", batch_job_presentation.format_job_title)
register.filter("job_format", batch_job_presentation.format_job_format)
register.filter("job_items", batch_job_presentation.format_all_items)
register.filter("job_status", batch_job_presentation.describe_status)
register.filter("job_duration", batch_job_presentation.get_duration)


@register.inclusion_tag("predictions/batch_jobs/_grid.html", takes_context=True)
def job_grid(context: Context, grid: dict[str, Any]) -> dict[str, Any]:
    """Render the grid of a batch job from its context."""
    return {"csrf_token": context.get("csrf_token"), **grid}
