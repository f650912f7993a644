"""The operations page: notable changes and errors."""

import re

import pytest
from django.utils import timezone

from monitoring.tests.factories import make_outcomes, make_predictions
from monitoring.tests.pages import read_notable_changes, read_page
from monitoring.windows import DAY, HOUR

pytestmark = pytest.mark.django_db


def test_notable_changes_are_listed_first(shades, reviewer_client, user):
    now = timezone.now()
    make_predictions(shades, [user], [now - DAY - number * HOUR / 4 for number in range(200)])
    page = read_page(reviewer_client)
    assert page.index('aria-label="Notable changes"') < page.index('class="metrics"')
    assert "<strong>Predictions" not in read_notable_changes(page)  # there is nothing to compare with
    make_predictions(shades, [user], [now - 8 * DAY - number * HOUR / 4 for number in range(60)])
    changes = read_notable_changes(read_page(reviewer_client))
    assert "<strong>Predictions: 200</strong>, 3.3 times as many as in the previous 7 days (60)." in changes
    assert "Awaiting review" in changes


@pytest.mark.parametrize(
    ("current", "previous", "text"),
    [
        ((20, 0), (400, 0), "<strong>Predictions: 20</strong>, 95.0% fewer"),
        ((0, 0), (400, 0), "<strong>Predictions: 0</strong>, 100.0% fewer"),
        ((400, 0), (3, 0), "<strong>Predictions: 400</strong>, many more than"),
        ((0, 400), (3, 0), "<strong>Failed: 100.0%</strong>"),
        ((0, 40), (0, 0), "<strong>Failed: 100.0%</strong>"),
        ((36, 4), (36, 4), "<strong>Failed: 10.0%</strong>"),
        ((40, 0), (40, 1), "<strong>Failed: 0.0%</strong>, 2.4 percentage points lower"),
        ((40, 0), (41, 0), "No notable changes: all metrics are within their usual range"),
        ((20, 9), (20, 0), "Not enough predictions to compare with the previous 7 days."),
    ],
)
def test_an_outage_is_notable_even_with_few_predictions(shades, reviewer_client, user, current, previous, text):
    now = timezone.now()
    for (succeeded, failed), time in ((current, now - HOUR / 60), (previous, now - 7 * DAY - HOUR / 60)):
        make_outcomes(shades, user, time, succeeded=succeeded, failed=failed)
    changes = read_notable_changes(read_page(reviewer_client))
    assert text in changes
    assert ("No notable changes" in changes) == text.startswith("No notable")


def test_an_error_code_links_to_its_predictions(predictions, reviewer_client):
    page = read_page(reviewer_client, model="shades")
    link = re.search(r'href="(/predictions/\?error_code=model-failed[^"]*)"', page)[1].replace("&amp;", "&")
    assert "model=shades&created_after=" in link
    count = re.search(r'error_code=model-failed[^>]*>.*?<td class="number">(\d+)</td>', page, re.DOTALL)[1]
    export = link.replace("/predictions/", "/api/v1/predictions/export/") + "&format=jsonl"
    lines = b"".join(reviewer_client.get(export).streaming_content).splitlines()
    assert len(lines) == int(count)
