"""The operations page: notable changes, errors, and drift."""

import re

import pytest
from django.utils import timezone

from monitoring.tests.factories import make_outcomes, make_predictions
from monitoring.tests.pages import read_notable_changes, read_page
from monitoring.windows import DAY, HOUR
from registry.services import register_model

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


def test_drift_is_shown_for_the_selected_or_busiest_version(predictions, reviewer_client):
    page = read_page(reviewer_client, window="7d")
    assert "Drift of shades:1" in page
    assert "No drift in" in page
    assert "all predictions from this period (" in " ".join(page.split())
    page = read_page(reviewer_client, model="flowers", version="1", window="24h")
    assert "Drift of flowers:1" in page
    assert "Not enough values in 5 of 5 fields" in " ".join(page.split())


def test_a_version_without_comparable_fields_has_no_drift(reviewer_client, user, write_rows):
    folder = write_rows(name="notes")
    manifest = folder / "model.toml"
    head = 'name = "notes"\nartifact = "notes.dummy.json"\n[output]\nkind = "raw"\n[input]\nkind = "tabular"\n'
    manifest.write_text(head + '[[input.features]]\nname = "note"\ntype = "text"\n')
    version = register_model(path=folder)
    make_outcomes(version, user, timezone.now() - HOUR, failed=1)
    assert "notes:1 has no fields to compare." in read_page(reviewer_client)
