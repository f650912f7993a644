"""A prediction of another user's input is visible only as long as the permission to see the input."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from evaluation.error_gallery import list_errors
from evaluation.sql.sample import SampleRow
from mlsite.tests.access import grant
from predictions.models import Prediction
from predictions.services import review_prediction
from predictions.services.other_versions import predict_with_version
from predictions.services.own_data import list_tables, write_json
from predictions.tests.factories import PREDICTIONS_URL, make_prediction

pytestmark = pytest.mark.django_db


@pytest.fixture
def viewer(make_user):
    person = make_user("viola")
    grant(person, "predictions.view_prediction")
    return person


@pytest.fixture
def foreign(shades, user, viewer):
    """Return a prediction that `viewer` has made of the input of `user`."""
    return predict_with_version(prediction=make_prediction(user), version=shades, user=viewer)


@pytest.fixture
def own(foreign, viewer):
    """Return a prediction that `viewer` has made of an own input."""
    return make_prediction(viewer)


def read_export(client, url):
    return b"".join(client.get(url, {"format": "jsonl"}).streaming_content).decode()


def test_nothing_of_it_is_left_after_the_permission_was_withdrawn(foreign, own, viewer, client, token_headers):
    api, url = Client(headers=token_headers(viewer)), f"{PREDICTIONS_URL}{foreign.pk}/"
    page = reverse("predictions:detail", args=[foreign.pk])
    client.force_login(viewer)
    assert (api.get(url).status_code, client.get(page).status_code) == (200, 200)
    viewer.user_permissions.clear()
    for path in (url, f"{url}?include=image", f"{url}?include=features", f"{url}reviews/"):
        assert api.get(path).status_code == 404, path
    for name in ("detail", "model-input", "open"):
        assert client.get(reverse(f"predictions:{name}", args=[foreign.pk])).status_code == 404, name
    for name in ("tags", "comments", "review", "other-version"):
        assert client.post(reverse(f"predictions:{name}", args=[foreign.pk])).status_code == 404, name
    assert [row["id"] for row in api.get(PREDICTIONS_URL).json()["results"]] == [str(own.pk)]
    for sort in ("-time", "-confidence"):
        history = client.get(reverse("predictions:history"), {"sort": sort}).content.decode()
        assert str(own.pk) in history and str(foreign.pk) not in history
    for caller, path in ((api, f"{PREDICTIONS_URL}export/"), (client, reverse("predictions:history-export"))):
        assert str(own.pk) in (export := read_export(caller, path)) and str(foreign.pk) not in export


def test_an_export_without_the_permission_to_export_leaves_it_out(foreign, own, viewer, token_headers):
    export = read_export(Client(headers=token_headers(viewer)), f"{PREDICTIONS_URL}export/")
    assert str(own.pk) in export and str(foreign.pk) not in export


def test_the_own_data_of_a_user_leave_it_out(foreign, own, viewer):
    table = "".join(write_json(list_tables(viewer)["predictions"]))
    assert str(own.pk) in table and str(foreign.pk) not in table


def test_the_evaluation_does_not_list_it_as_an_error(foreign, viewer):
    review_prediction(prediction=foreign, reviewer=viewer, verdict="incorrect", true_label="grey")
    rows = [SampleRow(foreign.pk, foreign.created_at, "incorrect", None, None, None, 0)]
    assert len(list_errors(rows, is_regression=False, reader=viewer)) == 1
    viewer.user_permissions.clear()
    assert list_errors(rows, is_regression=False, reader=User.objects.get(pk=viewer.pk)) == []


def test_a_number_of_predictions_needs_no_look_at_their_inputs(foreign, own, viewer, superuser):
    assert Prediction.objects.countable_by(superuser).count() == 3
    viewer.user_permissions.clear()
    former = User.objects.get(pk=viewer.pk)
    assert Prediction.objects.countable_by(former).count() == 2
    assert "predictions_input" not in str(Prediction.objects.countable_by(former).query)
    former.is_active = False
    assert not Prediction.objects.countable_by(former).exists()
