"""The lists of predictions behind the metrics: filters of the API, and links of the page."""

import re

import pytest

from inference.tests.factories import make_image
from predictions.services import review_prediction, withdraw_review
from predictions.tests.factories import PREDICTIONS_URL, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
PAGE_URL = "/models/shades/evaluation/"
CELL_PATTERN = re.compile(r'<a href="(/predictions/\?[^"]+)"\s+title="([\d,]+) × (\w+) predicted as (\w+)"')


def count_results(api, **query):
    return len(api.get(PREDICTIONS_URL, query).json()["results"])


@pytest.mark.parametrize(
    ("query", "positions"),
    [
        ({"true_label": "grey"}, [2, 1]),
        ({"true_label": "grey", "label": "white"}, [2]),
        ({"true_label": "blue"}, []),
        ({"picked_by": "random"}, [0]),
        ({"picked_by": "margin"}, [2]),
        ({"picked_by": "manual"}, []),
    ],
)
def test_filters_find_the_predictions_behind_a_metric(reviewed, api, query, positions):
    ids = [row["id"] for row in api.get(PREDICTIONS_URL, query).json()["results"]]
    assert ids == [str(reviewed[position].pk) for position in positions]


def test_the_true_label_filter_uses_the_newest_review(reviewed, api, superuser):
    review_prediction(prediction=reviewed[2], reviewer=superuser, verdict="correct")
    assert count_results(api, true_label="grey") == 1
    assert count_results(api, true_label="white") == 1


def test_label_filters_keep_whitespace(db, write_dummy, user, api):
    register_model(path=write_dummy(labels=["a", " a"]), promote=True)
    for shade in (0, 255, 255):
        make_prediction(user, make_image(shade))
    assert [count_results(api, label=label) for label in ("a", " a")] == [1, 2]


def test_the_strategy_of_a_withdrawn_review_is_not_found(reviewed, api, reviewer):
    withdraw_review(prediction=reviewed[0], reviewer=reviewer)
    assert count_results(api, picked_by="random") == 0


def test_each_cell_of_the_confusion_matrix_links_to_its_predictions(reviewed, client, reviewer):
    client.force_login(reviewer)
    html = client.get(f"{PAGE_URL}?since=2026-01-01").content.decode()
    cells = CELL_PATTERN.findall(html)
    assert sorted(int(n) for _, n, _, _ in cells) == [1, 1, 1]
    for url, n, _, _ in cells:
        assert "created_after=2026-01-01" in url
        assert len(client.get(url.replace("&amp;", "&")).context["page"].rows) == int(n)


def test_the_list_of_a_cell_shows_the_filters_of_the_page(reviewed, client, reviewer):
    client.force_login(reviewer)
    html = client.get(f"{PAGE_URL}?since=2026-01-01&picked_by=margin").content.decode()
    ((url, *cell),) = CELL_PATTERN.findall(html)
    assert cell == ["1", "grey", "white"]
    history = client.get(url.replace("&amp;", "&")).content.decode()
    assert re.search(r'name="created_after"\s+value="2026-01-01T00:00"', history)
    text = " ".join(re.sub(r"<[^>]+>", " ", history).split())
    for chip in ("Model: shades:1", "Created from: 1 Jan 2026, 00:00 UTC", "Smallest margin", "True label: grey"):
        assert chip in text


def test_the_number_of_reviewed_predictions_links_to_them(reviewed, client, reviewer):
    client.force_login(reviewer)
    html = client.get(PAGE_URL).content.decode()
    assert "of 4 predictions" in html
    (url,) = re.findall(r'href="(/predictions/[^"]+reviewed=true)"', html)
    assert url == "/predictions/?model=shades%3A1&amp;reviewed=true"
    assert len(client.get(url.replace("&amp;", "&")).context["page"].rows) == 3
