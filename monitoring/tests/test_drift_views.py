"""Drift on the operations page, which loads it afterwards, and on its own page."""

import re

import pytest
from django.utils import timezone

from monitoring.tests.factories import make_drift_predictions, make_outcomes
from monitoring.tests.pages import PAGE, read_chart_data, read_drift, read_page
from monitoring.views.drift import build_drift_id
from monitoring.windows import DAY, HOUR, get_window
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
DRIFT_PAGE = f"{PAGE}drift/"


@pytest.fixture
def drifted(shades):
    """Return a version whose confidence fell in the last 7 days."""
    columns = [{"label": "black", "confidence": 0.9 - number % 40 / 1000} for number in range(250)]
    columns += [{"label": "black", "confidence": 0.6 - number % 40 / 1000} for number in range(250)]
    make_drift_predictions(
        shades, columns, [8 + number % 5 for number in range(250)] + [1 + number % 4 for number in range(250)]
    )
    return shades


def test_drift_is_shown_for_the_selected_or_busiest_version(predictions, reviewer_client):
    page = read_page(reviewer_client, window="7d")
    assert "Drift of shades:1" in page
    assert "No drift in" not in page  # the page does not wait for it
    drift = " ".join(read_drift(reviewer_client, page).split())
    assert "No drift in" in drift
    assert "all predictions from this period (" in drift
    assert "No drift was found in shades:1." in drift
    page = read_page(reviewer_client, model="flowers", version="1", window="24h")
    assert "Drift of flowers:1" in page
    assert "Not enough values in 5 of 5 fields" in " ".join(read_drift(reviewer_client, page).split())


def test_htmx_adds_drift_to_the_notable_changes(drifted, reviewer_client):
    page = read_page(reviewer_client)
    drift = read_drift(reviewer_client, page)
    summary_id = re.search(r'<div id="(summary-drift-[^"]*)" hx-preserve></div>', page)[1]
    changes = drift.split(f'<div id="{summary_id}" hx-swap-oob="true">')[1]
    assert "Drift of shades:1 in 1 of 2 fields:" in " ".join(changes.split())
    assert 'href="/predictions/?model=shades%3A1&amp;created_after=' in changes
    assert drift.startswith(f'\n<div id="{summary_id.removeprefix("summary-")}">')
    chart = read_chart_data(drift, "drift")
    assert [item["id"] for item in chart["charts"]] == ["drift"]
    assert chart["times"] == read_chart_data(page)["times"]


def test_without_javascript_a_link_leads_to_the_page_of_the_drift(drifted, reviewer_client):
    url = re.search(r'<a href="(/operations/drift/[^"]*)"', read_page(reviewer_client, window="30d"))[1].replace(
        "&amp;", "&"
    )
    page = reviewer_client.get(url).content.decode()
    assert "<h1>Drift of shades:1</h1>" in page
    assert '<input type="hidden" name="window" value="30d">' in page
    assert "hx-swap-oob" not in page
    page = reviewer_client.get(f"{url}&against=earlier").content.decode()
    assert '<option value="earlier" selected>' in page


@pytest.mark.parametrize("query", ["", "window=7d&model=shades", "window=1y&model=shades&version=1", "model=no&version=1"])
def test_without_a_valid_version_the_operations_page_selects_one(shades, reviewer_client, query):
    response = reviewer_client.get(f"{DRIFT_PAGE}?{query}")
    assert (response.status_code, response.url) == (302, f"{PAGE}?{query}")


def test_only_those_who_see_the_operations_page_see_drift(shades, client, user, reviewer):
    url = f"{DRIFT_PAGE}?model=shades&version=1"
    assert client.get(url).status_code == 302
    for person, status in ((user, 403), (reviewer, 200)):
        client.force_login(person)
        assert client.get(url).status_code == status


def test_a_refresh_loads_drift_again_after_an_hour(shades):
    now = timezone.now().replace(minute=5)
    ids = [build_drift_id(shades, get_window("24h", now=now + wait), "before") for wait in (0 * HOUR, HOUR / 2, HOUR)]
    assert ids[0] == ids[1] != ids[2]
    assert build_drift_id(shades, get_window("24h", now=now), "earlier") != ids[0]
    assert build_drift_id(shades, get_window("7d", now=now - now.hour * HOUR + DAY), "before") not in ids


def test_a_version_without_comparable_fields_has_no_drift(reviewer_client, user, write_rows):
    folder = write_rows(name="notes")
    manifest = folder / "model.toml"
    head = 'name = "notes"\nartifact = "notes.dummy.json"\n[output]\nkind = "raw"\n[input]\nkind = "tabular"\n'
    manifest.write_text(head + '[[input.features]]\nname = "note"\ntype = "text"\n')
    version = register_model(path=folder)
    make_outcomes(version, user, timezone.now() - HOUR, failed=1)
    assert "notes:1 has no fields to compare." in read_drift(reviewer_client, read_page(reviewer_client))
