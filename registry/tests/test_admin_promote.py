"""Superusers move aliases in the admin, and are asked once more."""

from pathlib import Path

import pytest
from django.urls import reverse

from core.tests.admin_urls import get_change_url, get_list_url
from predictions.services import predict
from registry.models import AliasChange
from registry.references import resolve_version
from registry.services import register_model

pytestmark = pytest.mark.django_db


@pytest.fixture
def two(write_rows):
    return register_model(path=write_rows(factor=1), promote=True), register_model(path=write_rows(factor=10))


@pytest.fixture
def admin(client, superuser):
    client.force_login(superuser)
    return client


def promotion(version):
    return reverse("admin:registry_modelversion_promote", args=[version.pk])


def test_promote_and_roll_back(two, admin, superuser):
    first, second = two
    assert promotion(second) in admin.get(get_change_url(second)).content.decode()
    assert "Point it at version 2" in admin.get(promotion(second)).content.decode()
    assert resolve_version("flowers") == first  # looking changes nothing
    answer = admin.post(promotion(second), {"alias": "production"}, follow=True)
    assert "The alias flowers@production points at version 2 now, before at version 1." in answer.content.decode()
    assert resolve_version("flowers") == second
    alias = second.aliases.get()
    page = admin.get(get_change_url(alias)).content.decode()
    assert f"{promotion(first)}?alias=production" in page
    assert "Roll back to version 1" in page
    admin.post(promotion(first), {"alias": "production"})
    assert resolve_version("flowers") == first
    last = AliasChange.objects.first()
    assert (last.changed_by, last.from_version, last.to_version) == (superuser, second, first)


def test_any_alias_can_be_made_and_a_bad_name_is_refused(two, admin):
    assert admin.post(promotion(two[1]), {"alias": "shadow"}).status_code == 302
    assert resolve_version("flowers@shadow") == two[1]
    for name in ("", "No Good", "x" * 51):
        assert "errorlist" in admin.post(promotion(two[1]), {"alias": name}).content.decode()
    assert AliasChange.objects.count() == 2


def test_a_damaged_version_is_not_promoted_and_the_admin_says_so(two, admin, settings):
    Path(settings.MODEL_ROOT, two[1].artifact).write_text("{")
    for address in (get_list_url("modelversion"), get_change_url(two[1])):
        assert "CHANGED: not the registered file" in admin.get(address).content.decode()
    answer = admin.post(promotion(two[1]), {"alias": "production"})
    assert answer.status_code == 409
    text = answer.content.decode()
    assert "flowers@production stays where it is." in text
    assert "not the registered file" in text
    assert resolve_version("flowers") == two[0]
    Path(settings.MODEL_ROOT, two[1].artifact).unlink()
    assert "MISSING" in admin.get(get_change_url(two[1])).content.decode()


@pytest.mark.parametrize("who", ["reviewer", "staff", "user", "nobody"])
def test_nobody_else_may(two, client, who, reviewer, user, make_user):
    person = {"reviewer": reviewer, "user": user, "staff": make_user(is_staff=True), "nobody": None}[who]
    if person:
        client.force_login(person)
    for method in (client.get, client.post):
        assert method(promotion(two[1]), {"alias": "production"}).status_code == (
            403 if who in ("reviewer", "staff") else 302
        )
    assert resolve_version("flowers") == two[0]
    if who == "reviewer":
        assert promotion(two[1]) not in client.get(get_change_url(two[1])).content.decode()


def test_a_form_without_its_token_changes_nothing(two, superuser):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(superuser)
    assert client.post(promotion(two[1]), {"alias": "production"}).status_code == 403
    assert resolve_version("flowers") == two[0]


def test_an_unknown_version_is_not_found(two, admin):
    address = promotion(two[0]).replace(str(two[0].pk), "01a1fb01-0971-77a1-91ee-40e3b3456e9b")
    assert admin.get(address).status_code == 404
    assert admin.get(promotion(two[0]).replace(str(two[0].pk), "abc")).status_code == 404


def test_the_list_shows_input_and_output_in_one_row(two, admin, user):
    prediction = predict(user=user, source="api", features={"length": 4.5, "petals": 5})
    html = admin.get(get_list_url("prediction")).content.decode()
    for shown in ("length: 4.5", "petals: 5", "9.5 cm²", "value: 9.5"):
        assert shown in html
    assert "&quot;petals&quot;: 5" in admin.get(get_change_url(prediction)).content.decode()
    assert "length: 4.5" in admin.get(get_list_url("input")).content.decode()
    assert "&quot;petals&quot;: 5" in admin.get(get_change_url(prediction.input)).content.decode()
