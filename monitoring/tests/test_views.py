"""The page on operations: who sees it, what it shows and what it does with a strange question."""

import json
import re

import pytest
from django.utils import timezone

from monitoring.models import RolledPeriod
from monitoring.services.rollup import roll_up
from monitoring.tests.factories import make_predictions
from monitoring.windows import CHOICES, DAY, HOUR
from predictions.models import Input, Prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
PAGE = "/operations/"


@pytest.fixture
def filled(shades, flowers, user, other):
    now = timezone.now()
    moments = [now - number * HOUR for number in range(1, 24 * 15)]
    return make_predictions(shades, [user, other], moments) + make_predictions(flowers, [user], moments[:50])


@pytest.fixture
def boss(client, reviewer):
    client.force_login(reviewer)
    return client


def data_of(page):
    found = re.search(r'<script id="operations-data" type="application/json">(.*?)</script>', page, re.DOTALL)
    return json.loads(found[1])


def test_it_is_for_those_who_see_everything(client, user, reviewer, superuser, make_user):
    answer = client.get(PAGE)
    assert (answer.status_code, answer.url) == (302, f"/accounts/login/?next={PAGE}")
    for person, status in ((user, 403), (make_user(is_staff=True), 403), (reviewer, 200), (superuser, 200)):
        client.force_login(person)
        assert client.get(PAGE).status_code == status
        assert (f'href="{PAGE}"' in client.get("/").content.decode()) == (status == 200)


def test_an_empty_site_says_what_to_do_next(boss):
    page = boss.get(PAGE).content.decode()
    assert "Nothing was asked" in page
    assert "Ask a model" in page
    assert "operations-data" not in page


@pytest.mark.parametrize("window", CHOICES)
def test_a_window_is_shown_in_figures_charts_and_tables(filled, boss, window):
    page = boss.get(PAGE, {"window": window}).content.decode()
    data = data_of(page)
    assert [chart["id"] for chart in data["charts"]] == ["volume", "latency", "confidence", "versions"]
    assert len(data["times"]) == CHOICES[window][2]
    for chart in data["charts"]:
        assert {len(values) for values in chart["values"]} == {len(data["times"])}
        assert len(chart["names"]) == len(chart["values"]) > 0
        assert f'data-chart="{chart["id"]}"' in page
    assert page.count('<th scope="row">') > 4 * len(data["times"])
    assert f"in the {CHOICES[window][0].removeprefix('last ')} before" in page
    for text in ("Failures by code", "Busiest users", "inference-timeout", "Awaiting review", "free on the disk"):
        assert text in page
    assert " style=" not in page


def test_the_table_says_what_is_drawn(filled, boss):
    page = boss.get(PAGE, {"window": "7d", "model": "shades"}).content.decode()
    volume = data_of(page)["charts"][0]
    table = page.split('id="chart-volume"')[1].split("</table>")[0]
    cells = re.findall(r'<td class="number">([\d,]+)</td>', table)
    assert [int(cell.replace(",", "")) for cell in cells] == [n for day in zip(*volume["values"], strict=True) for n in day]
    assert sum(sum(values) for values in volume["values"]) > 100


def test_labels_are_counted_together_only_of_one_model(filled, boss):
    page = boss.get(PAGE, {"window": "30d"}).content.decode()
    chart = data_of(page)["charts"][-1]
    assert (chart["id"], chart["names"]) == ("versions", ["shades:1", "flowers:1"])
    assert [sum(values) for values in chart["values"]] == [len(filled) - 50, 50]
    assert "Choose a model or one of these" in page
    assert "<h2>Labels</h2>" not in page
    page = boss.get(PAGE, {"window": "30d", "model": "shades"}).content.decode()
    assert data_of(page)["charts"][-1]["id"] == "labels"
    assert "<h2>Labels</h2>" in page


def test_what_stands_out_is_told_first(shades, boss, user):
    now = timezone.now()
    make_predictions(shades, [user], [now - DAY - number * HOUR / 4 for number in range(200)])
    page = " ".join(boss.get(PAGE).content.decode().split("What stands out")[1].split("</section>")[0].split())
    assert "Predictions" not in page  # in the time before there was nothing to compare with
    make_predictions(shades, [user], [now - 8 * DAY - number * HOUR / 4 for number in range(60)])
    page = " ".join(boss.get(PAGE).content.decode().split("What stands out")[1].split("</section>")[0].split())
    assert "<strong>Predictions: 200</strong>, 3.3 times as many as in the 7 days before (60)." in page
    assert "Awaiting review" in page


@pytest.mark.parametrize(
    ("now", "before", "told"),
    [
        ((20, 0), (400, 0), "<strong>Predictions: 20</strong>, 95.0 % fewer"),
        ((0, 0), (400, 0), "<strong>Predictions: 0</strong>, 100.0 % fewer"),
        ((400, 0), (3, 0), "<strong>Predictions: 400</strong>, far more than"),
        ((0, 400), (3, 0), "<strong>Failed: 100.0 %</strong>"),
        ((0, 40), (0, 0), "<strong>Failed: 100.0 %</strong>"),
        ((36, 4), (36, 4), "<strong>Failed: 10.0 %</strong>"),
        ((40, 0), (40, 1), "<strong>Failed: 0.0 %</strong>, 2.4 points lower"),
        ((40, 0), (41, 0), "Nothing stands out"),
        ((20, 9), (20, 0), "Too few predictions to compare"),
    ],
)
def test_an_outage_stands_out_however_little_is_left(shades, boss, user, now, before, told):
    input_of = Input.objects.create(user=user, kind="tabular", features={}, sha256="0" * 64, size=1)
    moment = timezone.now()
    for (answered, failed), at in ((now, moment - HOUR / 60), (before, moment - 7 * DAY - HOUR / 60)):
        common = {
            "input": input_of,
            "model_version": shades,
            "user": user,
            "source": "api",
            "created_at": at,
            "completed_at": at,
        }
        rows = [Prediction(status="succeeded", output={}, label="white", confidence=0.5, **common) for _ in range(answered)]
        rows += [Prediction(status="failed", error_code="model-failed", **common) for _ in range(failed)]
        Prediction.objects.bulk_create(rows)
    page = " ".join(boss.get(PAGE).content.decode().split("What stands out")[1].split("</section>")[0].split())
    assert told in page
    assert ("Nothing stands out" in page) == told.startswith("Nothing")


def test_a_failure_leads_to_the_rows_that_were_counted(filled, boss):
    page = boss.get(PAGE, {"model": "shades"}).content.decode()
    link = re.search(r'href="(/predictions/\?error_code=model-failed[^"]*)"', page)[1].replace("&amp;", "&")
    assert "model=shades&created_after=" in link
    counted = re.search(r'error_code=model-failed[^>]*>.*?<td class="number">(\d+)</td>', page, re.DOTALL)[1]
    export = link.replace("/predictions/", "/api/v1/predictions/export/") + "&format=jsonl"
    assert len(list(boss.get(export).streaming_content)) == int(counted)


def test_a_model_and_a_version_narrow(filled, boss, user, write_dummy):
    second = register_model(path=write_dummy())
    make_predictions(second, [user], [timezone.now() - HOUR] * 7)
    answers = {}
    for model, version in (("", ""), ("shades", ""), ("shades", "2"), ("flowers", "1"), ("", "2")):
        page = boss.get(PAGE, {"window": "30d", "model": model, "version": version}).content.decode()
        answers[model, version] = sum(sum(values) for values in data_of(page)["charts"][0]["values"])
    assert answers == {
        ("", ""): len(filled) + 7,
        ("shades", ""): len(filled) - 50 + 7,
        ("shades", "2"): 7,
        ("flowers", "1"): 50,
        ("", "2"): len(filled) + 7,
    }


@pytest.mark.parametrize(
    "asked",
    [
        {"window": "1y"},
        {"model": "nope"},
        {"model": "shades", "version": "9"},
        {"model": "shades", "version": "x"},
        {"model": "shades", "version": "9" * 30},
        {"span": "x"},
        {"against": "x"},
        {"model": "\0"},
    ],
)
def test_a_strange_question_is_answered_politely(filled, boss, asked):
    answer = boss.get(PAGE, asked)
    assert answer.status_code == 200
    if asked != {"model": "\0"}:
        assert "There is no such" in answer.content.decode()


def test_drift_is_of_the_busiest_version_or_the_one_asked_for(filled, boss):
    page = boss.get(PAGE).content.decode()
    assert "Drift of shades:1" in page
    assert "No drift found in" in page
    assert "answers of the last 7 days" in " ".join(page.split())
    page = boss.get(PAGE, {"model": "flowers", "version": "1", "span": "1d"}).content.decode()
    assert "Drift of flowers:1" in page
    assert "Too few values to tell in 5 of 5" in page


def test_the_page_rolls_up_a_few_hours_each_time(filled, boss):
    boss.get(PAGE)
    assert RolledPeriod.objects.count() == 6
    boss.get(PAGE)
    assert RolledPeriod.objects.count() >= 12


def test_it_takes_the_same_queries_however_much_there_is(filled, boss, user, shades, django_assert_num_queries):
    roll_up()
    with django_assert_num_queries(19) as first:
        boss.get(PAGE)
    make_predictions(shades, [user], [timezone.now() - DAY * n / 9 for n in range(1, 90)], seed=2)
    with django_assert_num_queries(len(first.captured_queries)):
        boss.get(PAGE)
