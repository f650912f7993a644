"""The History page."""

import re
from datetime import UTC, datetime

import pytest

from core.tests.pages import get_text
from inference.tests.factories import make_image
from predictions import sorting
from predictions.history.columns import list_cells
from predictions.history.query import HistoryQuery
from predictions.models import Prediction
from predictions.services import predict, review_prediction
from predictions.tests.factories import change_predictions, make_prediction
from predictions.views import history

pytestmark = pytest.mark.django_db
HTMX = {"hx-request": "true"}
URL = "/predictions/"


def list_names(response):
    return re.findall(r">(n\d\.png)<", response.content.decode())


@pytest.mark.parametrize("headers", [{}, HTMX], ids=["page", "fragment"])
def test_pages_lead_in_both_directions(shades, signed_in, user, monkeypatch, headers):
    monkeypatch.setattr("predictions.history.query.DEFAULT_PAGE_SIZE", 3)
    rows = [make_prediction(user, name=f"n{number}.png") for number in range(7)]
    for number, row in enumerate(rows):
        change_predictions(Prediction.objects.filter(pk=row.pk), confidence=[0.9, 0.5, 0.5, 0.5, 0.7, 0.2, 0.5][number])

    def follow(sort):
        page, seen, url = None, [], f"{URL}?sort={sort}"
        while url:
            page = signed_in.get(url, headers=headers)
            seen.append("".join(name[1] for name in list_names(page)))
            older = page.context["page"].older_than
            url = f"{URL}?sort={sort}&older={older}" if older else ""
        back = signed_in.get(f"{URL}?sort={sort}&newer={page.context['page'].newer_than}", headers=headers)
        assert "".join(name[1] for name in list_names(back)) == seen[-2]
        assert ("<html" in page.content.decode()) is (headers == {})
        assert "7 predictions" in get_text(page)
        return seen

    assert follow("-time") == ["654", "321", "0"]
    assert follow("time") == ["012", "345", "6"]
    assert follow("-confidence") == ["046", "321", "5"]
    assert follow("confidence") == ["512", "364", "0"]


def test_links_keep_the_filters_and_the_view(shades, signed_in, user):
    for shade in (0, 255, 0):
        make_prediction(user, make_image(shade))
    user.page_size = 25
    user.save()
    assert signed_in.get(URL).context["query"].size == 25
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HistoryQuery, "size", 1)
        page = signed_in.get(URL, {"label": "black", "status": "", "density": "compact", "sort": "time"})
    text = page.content.decode()
    assert text.count("<time") == 1
    assert "?label=black&amp;density=compact&amp;sort=time&amp;older=" in text
    row = page.context["page"].rows[0]
    assert f'href="/predictions/{row.pk}/?label=black"' in text
    assert 'href="/predictions/?label=black&amp;density=compact&amp;sort=-confidence"' in text  # the header sorts
    assert 'href="/predictions/?label=black&amp;density=compact"' in text


def test_counts_are_exact_up_to_a_limit(shades, signed_in, user, monkeypatch):
    monkeypatch.setattr("predictions.history.query.DEFAULT_PAGE_SIZE", 1)
    for _ in range(3):
        make_prediction(user)
    monkeypatch.setattr(sorting, "MAX_COUNT", 2)
    monkeypatch.setattr(history, "MAX_COUNT", 2)
    assert "2+ predictions" in get_text(signed_in.get(URL))


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "No predictions yet"),
        ({"label": "zzz"}, "No predictions match these filters"),
        ({"min_confidence": "abc"}, "Minimum confidence: Enter a number"),
        ({"labell": "7"}, "Unknown filter: “labell”"),
        ({"user": "ada"}, "Unknown filter: “user”"),
        ({"older": "abc"}, "No predictions yet"),
        ({"label": "\0"}, "Null characters"),
    ],
)
def test_history_without_predictions_explains_why(signed_in, query, message):
    response = signed_in.get(URL, query)
    assert response.status_code == 200
    assert message in get_text(response)


def test_only_the_owner_and_reviewers_see_a_prediction(shades, client, user, other, reviewer):
    make_prediction(user, name="mine.png")
    for viewer, sees_it in ((other, False), (reviewer, True), (user, True)):
        client.force_login(viewer)
        assert ("mine.png" in client.get(URL).content.decode()) is sees_it


@pytest.mark.parametrize("count", [1, 24])
def test_number_of_queries_does_not_depend_on_the_rows(shades, signed_in, user, count, django_assert_max_num_queries):
    for _ in range(count):
        make_prediction(user)
    with django_assert_max_num_queries(5):  # the session, the user, the permissions, the rows, their reviews
        page = signed_in.get(URL, headers=HTMX)
    assert page.content.decode().count("<time") == count
    with django_assert_max_num_queries(8):  # also the models, the labels, and the saved filters
        assert signed_in.get(URL).content.decode().count("<time") == count


def test_filters_offer_models_and_labels_and_accept_others(shades, signed_in):
    page = signed_in.get(URL, {"model": "shades:1", "label": ["white", "x"]}).content.decode()
    boxes = re.findall(r'<input type="checkbox"\s+name="(model|label)"\s+value="([^"]*)"\s+(checked)?', page)
    assert boxes == [
        *[("model", "shades", ""), ("model", "shades:1", "checked")],
        *[("label", "black", ""), ("label", "grey", ""), ("label", "white", "checked"), ("label", "x", "checked")],
    ]


def test_chips_set_and_remove_filters_and_repeat_verdicts(shades, signed_in, user):
    chips = {str(chip.name): chip for chip in signed_in.get(URL, {"verdict": "correct", "range": "today"}).context["chips"]}
    assert [name for name, chip in chips.items() if chip.is_active] == ["Today", "Correct"]
    assert chips["Correct"].url == "/predictions/?range=today"
    assert chips["Incorrect"].url == "/predictions/?verdict=correct&verdict=incorrect&range=today"
    assert chips["Last month"].url == "/predictions/?verdict=correct&range=last-month"


def test_chips_show_readable_values(shades, signed_in):
    query = {"max_confidence": "0.7", "created_after": "2026-01-31T12:00", "status": "queued", "label": ["a", "b"]}
    chips = [chip for chip in signed_in.get(URL, query).context["chips"] if chip.value]
    assert [(str(chip.name), chip.value) for chip in chips] == [
        *[("Label", "a"), ("Label", "b"), ("Status", "Queued"), ("Maximum confidence", "70%")],
        ("Created from", "2026-01-31T12:00"),
    ]
    assert chips[4].time == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert chips[0].url == URL + "?max_confidence=0.7&created_after=2026-01-31T12%3A00&status=queued&label=b"
    invalid = signed_in.get(URL, {"max_confidence": "x", "created_after": "x"}).context["chips"]
    assert [(chip.value, chip.time) for chip in invalid if chip.value] == [("x", None), ("x", None)]


def test_the_form_submits_only_the_filters_that_are_set(shades, signed_in):
    page = signed_in.get(URL, {"version": ["1", "2"], "max_confidence": "0.5"}).content.decode()
    form = page[page.index('class="filters"') : page.index('id="search-help"')]
    typed = re.findall(r'<input (?:type="[-a-z]+"\s+)?name="(\w+)"\s+value="([^"]*)"', form)
    assert [field for field in typed if field[1] and field[0] not in ("status", "source", "verdict", "picked_by")] == [
        *[("model", "shades"), ("label", "black"), ("label", "grey"), ("label", "white")],
        *[("version", "1"), ("version", "2"), ("max_confidence", "0.5")],
    ]
    assert "checked" not in form[: form.index('id="column-choices"')]


def test_pushed_address_has_only_the_filters_that_are_set(shades, signed_in):
    fragment = signed_in.get(URL, {"model": "", "label": "a b", "sort": "-time"}, headers=HTMX)
    assert fragment["HX-Push-Url"] == "/predictions/?label=a+b"


def test_features_and_scores_are_columns_of_one_model(flowers, shades, signed_in, user):
    predict(user=user, source="api", features={"length": 4.5, "petals": 5}, model="flowers")
    make_prediction(user, model="shades")
    page = signed_in.get(URL, {"model": "flowers", "column": ["feature.length"]})
    assert [cell.text for cell in list_cells(page.context["page"].rows[0], page.context["columns"])] == ["4.5"]
    page = signed_in.get(URL, {"model": "shades", "column": ["score.white", "source"], "view": "table"})
    assert [str(column.title) for column in page.context["columns"]] == ["Source", "Score of white"]
    assert signed_in.get(URL, {"view": "gallery"}).content.decode().count('class="gallery"') == 1
    assert "can have only one value" in get_text(signed_in.get(f"{URL}?reviewed=true&reviewed=false"))


def test_default_columns_stay_out_of_the_address(shades, signed_in, user):
    make_prediction(user)
    for columns in (["model", "source"], ["none", "model", "source"]):
        page = signed_in.get(URL, {"label": "black", "column": columns}, headers=HTMX)
        assert page["HX-Push-Url"] == "/predictions/?label=black"
        assert "column=" not in page.content.decode()
    page = signed_in.get(URL, {"column": ["none", "model"]}, headers=HTMX)
    assert page["HX-Push-Url"] == "/predictions/?column=none&column=model"
    assert signed_in.get(URL, {"column": "none"}, headers=HTMX)["HX-Push-Url"] == "/predictions/?column=none"


def test_htmx_request_of_a_signed_out_user_opens_the_sign_in_page(client):
    response = client.get("/predictions/?model=iris", headers=HTMX)
    assert response.status_code == 200
    assert response["HX-Redirect"] == "/accounts/login/?next=/predictions/%3Fmodel%3Diris"
    assert client.get(URL).status_code == 302


def test_browsers_do_not_cache_the_history(shades, signed_in):
    assert signed_in.get(URL)["Cache-Control"] == "private, no-store"


def test_rows_show_their_review(shades, signed_in, user):
    review_prediction(prediction=make_prediction(user), reviewer=user, true_label="grey")
    assert '<span class="badge verdict incorrect">True label: grey</span>' in signed_in.get(URL).content.decode()
    assert "badge verdict" not in signed_in.get(f"{URL}?reviewed=false").content.decode()


def test_images_and_rows_are_listed(flowers, shades, signed_in, user):
    predict(user=user, source="api", features={"length": 4.5, "petals": 5, "wild": True}, model="flowers")
    make_prediction(user, model="shades")
    text = get_text(signed_in.get(URL))
    assert "length 4.5 cm, petals 5, colour white, wild true" in text
    assert "10.5 cm²" in text
    assert "a.png" in text


def test_the_number_of_more_filters_leaves_out_unknown_ones(signed_in):
    page = signed_in.get(URL, {"client_reference": "7", "color": "grey", "model": "shades"})
    assert (page.context["hidden_filter_count"], page.context["unknown_names"]) == (1, ["color"])
