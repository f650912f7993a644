"""The operations page: access, content, form, and queries."""

import json
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.models import RolledPeriod, Rollup
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import make_outcomes, make_predictions
from monitoring.windows import DAY, HOUR, WINDOW_CHOICES
from predictions.models import Prediction
from predictions.tests.factories import change_predictions
from registry.services import register_model

pytestmark = pytest.mark.django_db
PAGE = "/operations/"


@pytest.fixture
def predictions(shades, flowers, user, other):
    now = timezone.now()
    times = [now - number * HOUR for number in range(1, 24 * 15)]
    return make_predictions(shades, [user, other], times) + make_predictions(flowers, [user], times[:50])


@pytest.fixture
def reviewer_client(client, reviewer):
    client.force_login(reviewer)
    return client


def read_page(client, **parameters):
    return client.get(PAGE, parameters).content.decode()


def read_chart_data(page):
    match = re.search(r'<script id="operations-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(match[1])


def read_notable_changes(page):
    return " ".join(page.split('aria-label="Notable changes"')[1].split("</section>")[0].split())


def test_only_reviewers_and_superusers_have_access(client, user, reviewer, superuser, make_user):
    response = client.get(PAGE)
    assert (response.status_code, response.url) == (302, f"/accounts/login/?next={PAGE}")
    for person, status in ((user, 403), (make_user(is_staff=True), 403), (reviewer, 200), (superuser, 200)):
        client.force_login(person)
        assert client.get(PAGE).status_code == status
        assert (f'href="{PAGE}"' in client.get("/").content.decode()) == (status == 200)


def test_an_empty_site_links_to_the_next_steps(reviewer_client, write_dummy):
    assert "No models yet" in read_page(reviewer_client)
    register_model(path=write_dummy())
    assert "No model is in production" in reviewer_client.get("/").content.decode()
    page = read_page(reviewer_client, model="shades")
    assert "No predictions" in page
    assert "Make a prediction" in page
    assert 'href="?window=90d&amp;model=shades">Show 90 days' in page
    assert "Show 90 days" not in read_page(reviewer_client, window="90d")
    assert "operations-data" not in page


@pytest.mark.parametrize("window", WINDOW_CHOICES)
def test_a_window_has_metrics_charts_and_tables(predictions, reviewer_client, window):
    page = read_page(reviewer_client, window=window)
    data = read_chart_data(page)
    assert [chart["id"] for chart in data["charts"]] == ["volume", "latency", "confidence", "versions"]
    assert len(data["times"]) == WINDOW_CHOICES[window].count
    for chart in data["charts"]:
        assert {len(values) for values in chart["values"]} == {len(data["times"])}
        assert len(chart["names"]) == len(chart["values"]) > 0
        assert f'data-chart="{chart["id"]}"' in page
    assert page.count('<th scope="row">') > 4 * len(data["times"])
    duration = str(WINDOW_CHOICES[window].label).removeprefix("Last ")
    assert f"Compared with the previous {duration}." in " ".join(page.split())
    for text in (
        "Failures by code",
        "Users with the most predictions",
        "inference-timeout",
        "Awaiting review",
        "free on disk",
    ):
        assert text in page
    assert " style=" not in page


def test_a_chart_and_its_table_have_the_same_data(predictions, reviewer_client):
    page = read_page(reviewer_client, window="7d", model="shades")
    volume = read_chart_data(page)["charts"][0]
    assert volume["names"] == ["succeeded", "failed"]
    table = page.split('id="chart-volume"')[1].split("</table>")[0]
    cells = [int(cell.replace(",", "")) for cell in re.findall(r'<td class="number">([\d,]+)</td>', table)]
    assert cells == [count for day in zip(*volume["values"], strict=True) for count in day]
    assert sum(sum(values) for values in volume["values"]) > 100
    reviewer_client.cookies["time_zone"] = "Asia/Kolkata"
    page = read_page(reviewer_client, window="24h")
    assert (read_chart_data(page)["time_title"], page.count(":30</th>") > 24) == ("Hour (UTC+5:30)", True)


def test_unfinished_predictions_have_their_own_bars(shades, reviewer_client, user):
    rows = make_outcomes(shades, user, timezone.now() - HOUR, succeeded=3, failed=2)
    running = Prediction.objects.filter(pk=rows[0].pk)
    change_predictions(running, status="running", completed_at=None, output=None, label="", confidence=None)
    volume = read_chart_data(read_page(reviewer_client))["charts"][0]
    totals = {name: sum(values) for name, values in zip(volume["names"], volume["values"], strict=True)}
    assert totals == {"succeeded": 2, "failed": 2, "queued, running, or canceled": 1}


def test_labels_are_counted_for_one_model_only(predictions, reviewer_client):
    page = read_page(reviewer_client, window="30d")
    chart = read_chart_data(page)["charts"][-1]
    assert (chart["id"], chart["names"]) == ("versions", ["shades:1", "flowers:1"])
    assert [sum(values) for values in chart["values"]] == [len(predictions) - 50, 50]
    assert "Select a model or a version" in page
    assert "<h2>Labels</h2>" not in page
    page = read_page(reviewer_client, window="30d", model="shades")
    assert read_chart_data(page)["charts"][-1]["id"] == "labels"
    assert "Predictions by label" in page
    assert "<h2>Labels</h2>" in page


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


def test_the_page_can_be_limited_to_a_model_or_version(predictions, reviewer_client, user, write_dummy):
    second = register_model(path=write_dummy())
    make_predictions(second, [user], [timezone.now() - HOUR] * 7)
    totals = {}
    for model, version in (("", ""), ("shades", ""), ("shades", "2"), ("flowers", "1"), ("", "2")):
        page = read_page(reviewer_client, window="30d", model=model, version=version)
        totals[model, version] = sum(sum(values) for values in read_chart_data(page)["charts"][0]["values"])
    assert totals == {
        ("", ""): len(predictions) + 7,
        ("shades", ""): len(predictions) - 50 + 7,
        ("shades", "2"): 7,
        ("flowers", "1"): 50,
        ("", "2"): len(predictions) + 7,
    }


@pytest.mark.parametrize(
    "parameters",
    [
        {"window": "1y"},
        {"model": "nope"},
        {"model": "shades", "version": "9"},
        {"model": "shades", "version": "x"},
        {"model": "shades", "version": "9" * 30},
        {"window": "custom", "start": "x"},
        {"against": "x"},
    ],
)
def test_invalid_parameters_are_reported(predictions, reviewer_client, parameters):
    response = reviewer_client.get(PAGE, parameters)
    assert response.status_code == 200
    message = "Enter a valid date." if "start" in parameters else "This period, model, or version does not exist."
    assert message in " ".join(response.content.decode().split())


def test_nul_characters_are_ignored(predictions, reviewer_client):
    assert read_chart_data(read_page(reviewer_client, model="\0"))["charts"]


def test_drift_is_shown_for_the_selected_or_busiest_version(predictions, reviewer_client):
    page = read_page(reviewer_client, window="7d")
    assert "Drift of shades:1" in page
    assert "No drift in" in page
    assert "predictions from this period." in " ".join(page.split())
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


def test_the_page_writes_nothing(predictions, reviewer_client):
    for parameters in ({}, {"window": "90d"}, {"model": "shades", "version": "1", "against": "earlier"}):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            read_page(reviewer_client, **parameters)
        assert len(queries) > 10
        verbs = {query["sql"].lstrip(" (").split()[0].upper() for query in queries}
        assert verbs <= {"SELECT", "DECLARE", "WITH"}  # DECLARE opens a cursor on PostgreSQL
    assert not RolledPeriod.objects.exists()
    assert not Rollup.objects.exists()


def test_the_number_of_queries_does_not_depend_on_the_data(
    predictions, reviewer_client, user, shades, django_assert_num_queries
):
    roll_up()
    with django_assert_num_queries(29) as queries:
        read_page(reviewer_client)
    make_predictions(shades, [user], [timezone.now() - DAY * n / 9 for n in range(1, 90)], seed=2)
    with django_assert_num_queries(len(queries)):
        read_page(reviewer_client)
