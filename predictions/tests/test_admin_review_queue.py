"""The page of the review queue: access, items, and actions."""

import re

import pytest
from django.urls import reverse

from core.tests.pages import get_text
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Review, ReviewClaim
from predictions.services import predict
from predictions.tests.factories import make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
QUEUE_URL = reverse("admin:predictions_review_queue")


@pytest.fixture
def predictions(shades, user):
    return [make_prediction(user, make_image(shade)) for shade in (0, 127, 255)]


@pytest.fixture
def reviewer_client(client, reviewer):
    client.force_login(reviewer)
    return client


def submit(client, version, prediction=None, order="newest", htmx=True, **fields):
    """Press a button of the queue: start, a verdict, skip or undo."""
    data = fields | ({"prediction": str(prediction.pk)} if prediction else {})
    headers = {"hx-request": "true"} if htmx else {}
    return client.post(f"{QUEUE_URL}?version={version.pk}&order={order}", data, headers=headers)


def get_shown_ids(response):
    """Return the ids of the items on a page, or in an update of it, in their order."""
    return re.findall(r'class="queue-slot"\s+data-id="(\S+)"', response.content.decode())


def list_ids(*predictions):
    return [str(prediction.pk) for prediction in predictions]


def test_queue_requires_a_reviewer(shades, predictions, client, user, make_user, reviewer, superuser):
    assert client.get(QUEUE_URL).status_code == 302
    staff = make_user(is_staff=True)
    for person, status in ((user, 302), (staff, 403), (reviewer, 200), (superuser, 200)):
        client.force_login(person)
        assert client.get(QUEUE_URL).status_code == status
        assert submit(client, shades, predictions[2], verdict="correct").status_code == status
    assert {review.reviewer for review in Review.objects.all()} == {reviewer}
    assert Review.objects.count() == 1


def test_get_requests_write_nothing_and_offer_to_start(predictions, shades, reviewer_client, django_assert_max_num_queries):
    with django_assert_max_num_queries(15) as captured:
        page = reviewer_client.get(QUEUE_URL, {"order": "newest", "version": shades.pk})
    assert [query["sql"] for query in captured if re.search(r"INSERT|UPDATE|DELETE|SAVEPOINT|BEGIN", query["sql"])] == []
    assert not ReviewClaim.objects.exists()
    assert get_shown_ids(page) == []
    html = page.content.decode()
    assert re.search(r'<form[^>]*hx-trigger="load"[^>]*>', html)
    assert "Start reviewing" in html


def test_start_claims_the_current_and_the_next_prediction(predictions, shades, reviewer_client):
    response = submit(reviewer_client, shades, action="start")
    expected = list_ids(predictions[2], predictions[1])
    assert get_shown_ids(response) == expected
    assert f'src="/api/v1/inputs/{predictions[1].input_id}/image/"' in response.content.decode()
    page = reviewer_client.get(QUEUE_URL, {"order": "newest", "version": shades.pk})
    assert get_shown_ids(page) == expected
    assert "Start reviewing" not in page.content.decode()
    other_strategy = reviewer_client.get(QUEUE_URL, {"order": "random", "version": shades.pk})
    assert get_shown_ids(other_strategy) == []
    assert "Start reviewing" in other_strategy.content.decode()


def test_default_queue_is_a_random_sample_of_the_default_model(predictions, reviewer_client):
    page = reviewer_client.get(QUEUE_URL)
    assert (page.context["version"], page.context["queue"].strategy) == (predictions[0].model_version, "random")
    response = reviewer_client.post(QUEUE_URL, {"action": "start"})
    assert (response.status_code, len(get_shown_ids(reviewer_client.get(response["Location"])))) == (302, 2)
    assert set(ReviewClaim.objects.values_list("picked_by", flat=True)) == {"random"}


@pytest.mark.parametrize(
    ("fields", "expected", "message"),
    [
        ({"verdict": "correct"}, ("correct", "white", None), "Saved: “white” marked correct."),
        ({"verdict": "unsure"}, ("unsure", "", None), "Saved: “white” marked unsure."),
        ({"true_label": "grey"}, ("incorrect", "grey", None), "Saved: corrected from white to grey."),
        ({"true_label": "white"}, ("correct", "white", None), "Saved: “white” marked correct."),
    ],
)
def test_verdicts_are_saved_with_their_strategy_and_load_the_next_prediction(
    predictions, shades, reviewer_client, reviewer, fields, expected, message
):
    submit(reviewer_client, shades, action="start")
    response = submit(reviewer_client, shades, predictions[2], **fields)
    review = Review.objects.get()
    assert (review.verdict, review.true_label, review.true_value) == expected
    assert (review.picked_by, review.reviewer, review.prediction) == ("newest", reviewer, predictions[2])
    assert get_shown_ids(response) == list_ids(predictions[1], predictions[0])
    assert (response.context["message"], response.context["error"]) == (message, "")
    assert f'<div hx-swap-oob="innerHTML:#queue-message">{message}</div>' in response.content.decode()


def test_skip_and_undo(predictions, shades, reviewer_client):
    submit(reviewer_client, shades, action="start")
    skipped = submit(reviewer_client, shades, predictions[2], action="skip")
    assert skipped.context["message"] == "Skipped."
    assert get_shown_ids(skipped) == list_ids(predictions[1], predictions[0])
    undone = submit(reviewer_client, shades, action="undo")
    assert (undone.context["message"], get_shown_ids(undone)[0]) == ("Undone.", str(predictions[2].pk))
    assert "nothing to undo" in submit(reviewer_client, shades, action="undo").context["message"]
    assert not Review.objects.exists()


def test_without_javascript_actions_redirect_to_the_next_prediction(predictions, shades, reviewer_client):
    submit(reviewer_client, shades, htmx=False, action="start")
    response = submit(reviewer_client, shades, predictions[2], htmx=False, verdict="correct")
    assert response.status_code == 302
    page = reviewer_client.get(response["Location"])
    assert "Saved: “white” marked correct." in page.content.decode()
    assert get_shown_ids(page) == list_ids(predictions[1], predictions[0])


def test_invalid_reviews_show_an_error_and_are_not_saved(predictions, shades, reviewer_client):
    submit(reviewer_client, shades, action="start")
    response = submit(reviewer_client, shades, predictions[2], true_label="blue")
    assert "blue" in response.context["error"]
    assert "blue" in re.search(r"innerHTML:#queue-error\">(.*?)</div>", response.content.decode(), re.DOTALL)[1]
    assert get_shown_ids(response)[0] == str(predictions[2].pk)
    submit(reviewer_client, shades, predictions[2], verdict="incorrect", htmx=False)
    assert not Review.objects.exists()


def test_second_reviewer_of_a_prediction_gets_an_error(predictions, shades, reviewer_client, superuser, client):
    submit(reviewer_client, shades, predictions[2], verdict="correct")
    client.force_login(superuser)
    response = submit(client, shades, predictions[2], verdict="unsure")
    assert "rosa has already reviewed this prediction" in response.context["error"]
    assert Review.objects.count() == 1


def test_reviews_without_an_order_are_saved(predictions, reviewer_client):
    response = reviewer_client.post(QUEUE_URL, {"prediction": str(predictions[0].pk), "verdict": "correct"})
    assert response.status_code == 302
    assert Review.objects.get().verdict == "correct"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("order=best", 400),
        ("order=label", 400),
        ("order=label&label=blue", 400),
        ("order=label&label=grey", 200),
        ("version=7", 404),
        ("version=01a1fb01-0971-77a1-91ee-40e3b3456e9b", 404),
    ],
)
def test_invalid_queries_are_rejected(predictions, reviewer_client, query, status):
    assert reviewer_client.get(f"{QUEUE_URL}?{query}").status_code == status


@pytest.mark.parametrize("query", ["order=best", "version=7"])
def test_actions_in_invalid_queues_are_not_found(predictions, reviewer_client, query):
    assert reviewer_client.post(f"{QUEUE_URL}?{query}", {"action": "start"}).status_code == 404
    assert not ReviewClaim.objects.exists()


@pytest.mark.parametrize("key", ["", "x", "01a1fb01-0971-77a1-91ee-40e3b3456e9b"])
def test_unknown_predictions_are_not_found(predictions, shades, reviewer_client, key):
    response = reviewer_client.post(
        f"{QUEUE_URL}?version={shades.pk}&order=newest", {"prediction": key, "verdict": "correct"}
    )
    assert response.status_code == 404


def test_predictions_of_another_version_are_not_found(predictions, shades, reviewer_client, user, write_dummy):
    second = register_model(path=write_dummy(), promote=True)
    newer = make_prediction(user, make_noise_image(1))
    assert submit(reviewer_client, shades, newer, verdict="correct").status_code == 404
    assert submit(reviewer_client, second, newer, verdict="correct").status_code == 200


def test_pages_without_a_model_and_without_predictions(client, reviewer, db, write_dummy):
    client.force_login(reviewer)
    assert "No model is registered" in client.get(QUEUE_URL).content.decode()
    version = register_model(path=write_dummy(), promote=True)
    assert f"No prediction of {version} in this queue needs your review." in client.get(QUEUE_URL).content.decode()
    assert "Queue empty" in submit(client, version, action="start").content.decode()


def test_values_are_corrected_with_a_number(flowers, user, reviewer_client):
    row = predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    html = submit(reviewer_client, flowers, action="start", order="random").content.decode()
    assert 'name="true_value"' in html
    assert "petals" in html
    assert "such as 5.1" in submit(reviewer_client, flowers, row, true_value="4,5").context["error"]
    submit(reviewer_client, flowers, row, true_value="4.5")
    assert Review.objects.get().true_value == 4.5


def test_actions_use_few_queries(predictions, shades, reviewer_client, django_assert_max_num_queries):
    submit(reviewer_client, shades, action="start")
    with django_assert_max_num_queries(42):
        submit(reviewer_client, shades, predictions[2], verdict="correct")


def test_strategies_that_a_version_does_not_support_fall_back_to_random(flowers, user, reviewer_client):
    predict(user=user, source="api", features={"length": 4, "petals": 5}, model="flowers")
    page = reviewer_client.get(QUEUE_URL, {"version": flowers.pk, "order": "uncertain"})
    assert page.status_code == 200
    assert '<option value="random" selected>' in page.content.decode()
    assert reviewer_client.get(QUEUE_URL, {"version": flowers.pk, "order": "nonsense"}).status_code == 400


def test_random_sample_names_what_its_reviews_determine(shades, flowers, reviewer_client):
    labels = get_text(reviewer_client.get(QUEUE_URL, {"version": shades.pk}))
    values = get_text(reviewer_client.get(QUEUE_URL, {"version": flowers.pk}))
    assert "Random sample. Reviews here determine the accuracy of shades:1." in labels
    assert "Random sample. Enter true values: the error metrics of flowers:1 are computed from them." in values
    assert "accuracy" not in values
