"""Promote a version on its page, alias changes, and the accuracy in the list."""

import pytest
from django.contrib.auth.models import Group

from core.tests.pages import get_text
from predictions.services import predict, review_prediction
from registry.models import Alias, AliasChange
from registry.services import promote_model, register_model

pytestmark = pytest.mark.django_db
URL = "/models/flowers/promote/"


@pytest.fixture
def second(flowers, write_rows):
    return register_model(path=write_rows(factor=2))


@pytest.fixture
def owner(user):
    """Return a user, not staff, who may promote models."""
    user.groups.add(Group.objects.get(name="Model owners"))
    return user


def get_production():
    return Alias.objects.get(name="production").version.number


def test_only_users_with_the_permission_promote(second, client, user):
    assert client.post(URL, {"version": 2, "alias": "production"}).status_code == 302
    client.force_login(user)
    assert "Promote version" not in get_text(client.get("/models/flowers/"))
    for response in (client.get(f"{URL}?version=2"), client.post(URL, {"version": 2, "alias": "production"})):
        assert response.status_code == 403
    assert get_production() == 1


def test_a_version_is_promoted_and_rolled_back_after_a_confirmation(second, client, owner):
    assert not owner.is_staff
    client.force_login(owner)
    page = client.get("/models/flowers/")
    assert f'href="{URL}?version=2"' in page.content.decode()
    assert client.get(f"{URL}?version=2").status_code == 200
    assert get_production() == 1  # GET changes nothing
    response = client.post(URL, {"version": 2, "alias": "production"}, follow=True)
    assert "The alias production now points to version 2." in get_text(response)
    assert get_production() == 2
    assert "Roll back to version 1" in get_text(response)
    response = client.post(URL, {"version": 1, "alias": "production"}, follow=True)
    assert "Roll back" not in get_text(response)  # version 2 is newer: it is promoted
    assert get_production() == 1
    change = AliasChange.objects.order_by("-id").first()
    assert (change.changed_by, change.from_version.number, change.to_version.number) == (owner, 2, 1)
    for number in ("9", "x", "", "99999999999999999999", "²"):
        assert client.get(URL, {"version": number}).status_code == 404
    assert "now points" not in get_text(client.post(URL, {"version": 2, "alias": "No Good"}, follow=True))


def test_changes_of_aliases_have_pages(second, signed_in):
    for number in range(12):
        promote_model(name="flowers", number=1 + number % 2, alias="staging")
    first = signed_in.get("/models/flowers/")
    assert len(first.context["changes"].rows) == 10
    older = signed_in.get("/models/flowers/", {"older": first.context["changes"].rows[-1].pk})
    assert 1 <= len(older.context["changes"].rows) <= 10
    shown = {row.pk for page in (first, older) for row in page.context["changes"].rows}
    assert len(shown) == AliasChange.objects.count()


def test_the_list_shows_the_metric_of_the_version_in_production(shades, flowers, user, signed_in):
    from predictions.tests.factories import make_prediction

    review_prediction(prediction=make_prediction(user), reviewer=user, verdict="correct")
    prediction = predict(user=user, source="api", features={"length": 1, "petals": 5}, model="flowers")
    review_prediction(prediction=prediction, reviewer=user, true_value=prediction.value + 3)
    text = get_text(signed_in.get("/models/"))
    assert "100.0% 20.7% to 100.0%, n = 1" in text
    assert "3 cm² mean absolute error, n = 1" in text
