"""Template filters for batch jobs."""

from __future__ import annotations

from django import template

from predictions import batch_job_presentation

register = template.Library()
register.filter("job_title", batch_job_presentation.format_job_title)
register.filter("job_format", batch_job_presentation.format_job_format)
register.filter("job_status", batch_job_presentation.describe_status)
register.filter("job_duration", batch_job_presentation.get_duration)
