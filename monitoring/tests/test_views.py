"""The operations page: access, content, form, and queries."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from monitoring.models import RolledPeriod, Rollup
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import make_outcomes, make_predictions
from monitoring.tests.pages import PAGE, read_chart_data, read_page
from monitoring.windows import DAY, HOUR, WINDOW_CHOICES
from predictions.models import Prediction
from predictions.tests.factories import change_predictions
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]


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


def test_the_page_writes_nothing(predictions, reviewer_client):
    for parameters in ({}, {"window": "90d"}, {"model": "shades", "version": "1", "against": "earlier"}):
        with CaptureQueriesContext(connection) as queries:
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
    with django_assert_num_queries(26) as queries:
        read_page(reviewer_client)
    make_predictions(shades, [user], [timezone.now() - DAY * n / 9 for n in range(1, 90)], seed=2)
    with django_assert_num_queries(len(queries)):
        read_page(reviewer_client)
