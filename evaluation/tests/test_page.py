"""The evaluation page of a model."""

import re

import pytest
from django.conf import settings
from django.utils.html import escape

from core.tests.pages import get_text
from inference.tests.factories import make_image, make_noise_image
from predictions.services import predict, review_prediction, withdraw_review
from predictions.tests.factories import make_prediction
from registry.models import Alias
from registry.services import register_model

pytestmark = [pytest.mark.django_db, pytest.mark.once]
PAGE_URL = "/models/shades/evaluation/"


@pytest.fixture
def get_page(client, reviewer):
    """Return a function that gets the page as a reviewer."""
    client.force_login(reviewer)
    return lambda query="": client.get(PAGE_URL + query)


def test_the_page_requires_a_login(shades, client):
    response = client.get(PAGE_URL)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")


def test_only_reviewers_see_the_page_of_a_model_without_an_alias(write_dummy, client, user, reviewer):
    register_model(path=write_dummy())
    client.force_login(user)
    assert client.get(PAGE_URL).status_code == 404
    client.force_login(reviewer)
    page = client.get(PAGE_URL).content.decode()
    assert "No predictions yet" in page
    assert 'href="/?model=shades%3A1"' in page


def test_each_accuracy_names_its_sample_and_bias(reviewed, get_page):
    page = get_text(get_page())
    for text in ("this sample may be biased", "Low-confidence sample: underestimates accuracy", "All reviewed", "75.0%"):
        assert text in page
    for heading in ("Confusion matrix", "Actual ↓ Predicted →", "Per-class metrics", "Calibration"):
        assert heading in page


@pytest.mark.parametrize(
    ("picked_by", "shown", "hidden"),
    [
        ("random", "Random sample of the remaining predictions: this sample may be biased", "unbiased estimate"),
        ("margin", "Not a random sample: this sample may be biased", "unbiased estimate"),
    ],
)
def test_a_single_sample_is_named(reviewed, get_page, picked_by, shown, hidden):
    html = get_page(f"?picked_by={picked_by}").content.decode()
    assert shown in html
    assert hidden not in html
    assert "Small sample: the interval is wide" in html


def test_only_the_random_sample_is_an_unbiased_estimate(reviewed, get_page, reviewer):
    link = "show the random sample only"
    assert link not in get_text(get_page())  # half of the predictions were reviewed in another way
    for prediction in reviewed[1:3]:
        withdraw_review(prediction=prediction, reviewer=reviewer)
    assert "Random sample: unbiased estimate" in get_text(get_page())
    assert "Random sample: unbiased estimate" in get_text(get_page("?picked_by=random"))


def test_filters_without_matching_reviews_offer_to_show_all(reviewed, get_page):
    html = get_page("?picked_by=newest").content.decode()
    assert "No matching reviews" in html
    assert 'href="?version=1#quality"' in html
    assert "No reviews yet" not in html


@pytest.mark.parametrize(
    ("person", "text", "button"),
    [
        ("reviewer", "shades:1 made 1 prediction; it is not reviewed yet", "Review predictions"),
        ("user", "shades:1 made 1 prediction for you; it is not reviewed yet", "Review your predictions"),
    ],
)
def test_without_reviews_the_page_shows_no_metrics_and_the_next_step(shades, user, client, request, person, text, button):
    make_prediction(user)
    client.force_login(request.getfixturevalue(person))
    page = get_text(client.get(PAGE_URL))
    assert "No reviews yet" in page
    assert button in page
    assert text in page
    assert "unbiased estimate" not in page


def test_two_versions_are_compared(reviewed, get_page, user, write_dummy):
    register_model(path=write_dummy(fixed=[0, 1, 0]))
    for shade in (0, 127, 255):
        make_prediction(user, make_image(shade), model="shades:2")
    html = get_page("?version=1&compare=2").content.decode()
    assert "Version 1 vs. version 2" in html
    assert "Based on 3 inputs with predictions of both versions" in html
    assert "Not statistically significant (McNemar, p = 1)" in html
    assert "vs. version" not in get_page("?version=1&compare=1").content.decode()


def test_versions_without_common_inputs_can_be_evaluated(reviewed, get_page, client, write_dummy):
    register_model(path=write_dummy(fixed=[0, 1, 0]))
    page = get_page("?version=2&compare=1")
    assert "No input has predictions of both versions" in get_text(page)
    assert "Evaluate version 2 on reviewed inputs" in get_text(page)
    fields = dict(re.findall(r'<input type="hidden" name="(version|baseline)" value="(.+)">', page.content.decode()))
    assert fields == {"version": "2", "baseline": "1"}
    assert "/replays/" in client.post("/models/shades/replays/", fields).url


def test_a_significant_difference_is_stated(shades, get_page, user, reviewer, write_dummy):
    register_model(path=write_dummy(fixed=[0, 0, 1]))
    for seed in range(12):
        data = make_noise_image(seed)
        prediction = make_prediction(user, data, model="shades:1")
        review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct")
        make_prediction(user, data, model="shades:2")
    html = get_page("?version=1&compare=2").content.decode()
    assert "Statistically significant (McNemar, p &lt; 0.001)" in html


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("?version=7", "version", "Version: Select a valid choice. 7 is not one of the available choices."),
        ("?version=x", "version", "Version: Select a valid choice. x is not one of the available choices."),
        ("?since=soon", "since", "Since: Expected a date or time such as 2026-01-31"),
        ("?picked_by=x", "picked_by", "Sample: Select a valid choice. x is not one of the available choices."),
        ("?compare=7", "compare", "Compare with: Select a valid choice. 7 is not one of the available choices."),
    ],
)
def test_invalid_parameters_are_explained(reviewed, get_page, query, field, message):
    response = get_page(query)
    assert response.status_code == 200
    assert "The evaluation cannot be shown." in get_text(response)
    html = response.content.decode()
    assert message in html
    assert html.count(f"id_{field}_error") == 2  # the message, and the field that refers to it


def test_a_regression_model_shows_its_errors(flowers, user, client):
    for length in (1, 2, 3):
        prediction = predict(user=user, source="api", features={"length": length, "petals": 5}, model="flowers")
        review_prediction(prediction=prediction, reviewer=user, true_value=prediction.value + length)
    client.force_login(user)
    html = client.get("/models/flowers/evaluation/").content.decode()
    for text in ("Mean absolute error", "2 cm²", "Error distribution", "Error (predicted − actual), cm²"):
        assert text in html
    assert html.count('class="chart-bar"') == 20


def test_a_regression_model_without_true_values_has_no_errors_and_no_intervals(flowers, user, client):
    prediction = predict(user=user, source="api", features={"length": 1, "petals": 5}, model="flowers")
    review_prediction(prediction=prediction, reviewer=user, verdict="correct")
    client.force_login(user)
    text = get_text(client.get("/models/flowers/evaluation/"))
    assert text.count("No data") == 3
    assert "No reviewed prediction has a true value yet." in text
    assert "– cm²" not in text
    assert "Wilson" not in text


def test_intervals_are_explained_only_if_there_are_any(shades, get_page, user, reviewer):
    prediction = make_prediction(user)
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="unsure")
    assert "Wilson" not in get_text(get_page())
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct")
    assert "Ranges are 95% confidence intervals (Wilson)." in get_text(get_page())


def test_the_form_has_the_names_of_the_documentation_in_sentence_case(reviewed, get_page):
    form = get_page().context["form"]
    documentation = (settings.BASE_DIR / "docs" / "evaluate.md").read_text(encoding="utf-8")
    assert [str(field.label) for field in form if f"*{field.label}*" not in documentation] == []
    options = [str(name) for _, name in form.fields["picked_by"].choices]
    assert options[:3] == ["All", "Random", "Lowest confidence"]
    assert [option for option in options if option not in (option.capitalize(), "API")] == []


def test_with_many_labels_the_most_common_errors_are_listed(db, write_dummy, user, get_page):
    labels = [f"<l{number}>" for number in range(60)]
    register_model(path=write_dummy(labels=labels), promote=True)
    review_prediction(prediction=make_prediction(user, make_image(255)), reviewer=user, true_label="<l3>")
    html = get_page().content.decode()
    assert "Most common errors" in html
    assert escape("1 × <l3> predicted as <l59>") in html
    assert "<l3>" not in html


def test_the_number_of_queries_is_fixed(reviewed, get_page, user, reviewer, write_dummy, django_assert_num_queries):
    second = register_model(path=write_dummy())
    get_page()
    with django_assert_num_queries(18):
        get_page("?compare=2")
    Alias.objects.create(model=second.model, name="staging", version=second)
    for number in range(20):
        review_prediction(prediction=make_prediction(user, make_noise_image(number)), reviewer=reviewer, verdict="correct")
    with django_assert_num_queries(18):
        get_page("?compare=2")
