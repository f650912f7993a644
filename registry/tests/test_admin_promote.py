"""Superusers promote versions in the admin."""

import pytest
from django.test import Client
from django.urls import reverse

from core.tests.admin_urls import get_change_url
from registry.models import AliasChange
from registry.references import resolve_version
from registry.tests.factories import damage_artifact, get_artifact_path

pytestmark = pytest.mark.django_db


@pytest.fixture
def superuser_client(client, superuser):
    client.force_login(superuser)
    return client


def get_promote_url(version):
    return reverse("admin:registry_modelversion_promote", args=[version.pk])


def test_promote_and_roll_back(versions, superuser_client, superuser):
    first, second = versions
    assert get_promote_url(second) in superuser_client.get(get_change_url(second)).content.decode()
    page = superuser_client.get(get_promote_url(second)).content.decode()
    assert "Promote version 2" in page
    assert "production → version 1" in page
    assert resolve_version("flowers") == first  # GET changes nothing
    response = superuser_client.post(get_promote_url(second), {"alias": "production"}, follow=True)
    assert "The alias flowers@production now points to version 2, previously to version 1." in response.content.decode()
    assert resolve_version("flowers") == second
    page = superuser_client.get(get_change_url(second.aliases.get())).content.decode()
    assert f"{get_promote_url(first)}?alias=production" in page
    assert "Roll back to version 1" in page
    superuser_client.post(get_promote_url(first), {"alias": "production"})
    assert resolve_version("flowers") == first
    change = AliasChange.objects.first()
    assert (change.changed_by, change.from_version, change.to_version) == (superuser, second, first)


def test_a_new_alias_is_created_and_an_invalid_name_is_rejected(versions, superuser_client):
    response = superuser_client.post(get_promote_url(versions[1]), {"alias": "shadow"}, follow=True)
    assert "The alias flowers@shadow now points to version 2." in response.content.decode()
    assert resolve_version("flowers@shadow") == versions[1]
    for name in ("", "No Good", "x" * 51):
        assert "errorlist" in superuser_client.post(get_promote_url(versions[1]), {"alias": name}).content.decode()
    assert AliasChange.objects.count() == 2


def test_the_form_suggests_the_alias_of_the_link(versions, superuser_client):
    url = get_promote_url(versions[1])
    assert 'value="production"' in superuser_client.get(url).content.decode()
    assert 'value="staging"' in superuser_client.get(url, {"alias": "staging"}).content.decode()


def test_a_damaged_version_is_not_promoted(versions, superuser_client):
    damage_artifact(versions[1])
    assert "Changed since registration" in superuser_client.get(get_change_url(versions[1])).content.decode()
    response = superuser_client.post(get_promote_url(versions[1]), {"alias": "production"})
    assert response.status_code == 409
    text = response.content.decode()
    assert "flowers@production was not changed." in text
    assert "differs from the registered file" in text
    assert resolve_version("flowers") == versions[0]
    get_artifact_path(versions[1]).unlink()
    assert "Missing or not readable" in superuser_client.get(get_change_url(versions[1])).content.decode()


@pytest.mark.parametrize("role", ["reviewer", "staff", "user", "anonymous"])
def test_only_superusers_can_promote(versions, client, role, reviewer, user, make_user):
    account = {"reviewer": reviewer, "user": user, "staff": make_user(is_staff=True), "anonymous": None}[role]
    if account:
        client.force_login(account)
    expected = 403 if role in ("reviewer", "staff") else 302
    for method in (client.get, client.post):
        assert method(get_promote_url(versions[1]), {"alias": "production"}).status_code == expected
    assert resolve_version("flowers") == versions[0]
    if role == "reviewer":
        assert get_promote_url(versions[1]) not in client.get(get_change_url(versions[1])).content.decode()


def test_a_form_without_a_csrf_token_changes_nothing(versions, superuser):
    client = Client(enforce_csrf_checks=True)
    client.force_login(superuser)
    assert client.post(get_promote_url(versions[1]), {"alias": "production"}).status_code == 403
    assert resolve_version("flowers") == versions[0]


@pytest.mark.parametrize("version_id", ["01a1fb01-0971-77a1-91ee-40e3b3456e9b", "abc"])
def test_an_unknown_version_is_not_found(versions, superuser_client, version_id):
    url = get_promote_url(versions[0]).replace(str(versions[0].pk), version_id)
    assert superuser_client.get(url).status_code == 404
    for alias in ("production", "No Good"):
        assert superuser_client.post(url, {"alias": alias}).status_code == 404
