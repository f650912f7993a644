"""A form that was open while its row changed writes only the fields that its user has changed."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import reverse

from accounts.models import User
from mlsite.tests.forms import read_form
from monitoring.models import AlertRule
from predictions.services.retention import set_retention

pytestmark = pytest.mark.django_db
PROFILE = "accounts:profile"
PASSWORD = "correct horse"


def open_form(client, url):
    return read_form(client.get(url).content)


@pytest.fixture
def staff_client(client, superuser):
    client.force_login(superuser)
    return client


def test_two_tabs_with_the_preferences(signed_in, user):
    first, second = (open_form(signed_in, reverse(PROFILE)) for _ in range(2))
    signed_in.post(reverse(PROFILE), {**first, "theme": "dark", "page_size": "50"})
    signed_in.post(reverse(PROFILE), {**second, "time_zone": "Europe/Berlin"})
    assert User.objects.values_list("theme", "page_size", "time_zone").get() == ("dark", 50, "Europe/Berlin")
    signed_in.post(reverse(PROFILE), {**open_form(signed_in, reverse(PROFILE)), "page_size": ""})
    assert User.objects.values_list("theme", "page_size", "time_zone").get() == ("dark", None, "Europe/Berlin")


def test_a_program_sends_all_preferences(signed_in):
    User.objects.update(theme="dark", page_size=50)
    signed_in.post(reverse(PROFILE), {"language": "", "time_zone": "", "theme": "light", "page_size": ""})
    assert User.objects.values_list("theme", "page_size").get() == ("light", None)


def test_an_email_address_that_another_tab_has_changed(signed_in, user):
    url = reverse("accounts:email")
    form = open_form(signed_in, url)
    User.objects.update(email="new@example.org")
    signed_in.post(url, {**form, "password": PASSWORD})
    assert User.objects.get().email == "new@example.org"
    signed_in.post(url, {**form, "password": PASSWORD, "email": "newest@example.org"})
    assert User.objects.get().email == "newest@example.org"


def test_a_page_never_contains_the_password_that_was_sent(signed_in):
    response = signed_in.post(reverse("accounts:email"), {"email": "x", "password": "typed"})
    assert b"typed" not in response.content


def test_a_user_changes_while_an_administrator_edits_the_account(staff_client, make_user):
    user, group = make_user("eva"), Group.objects.get(name="Reviewers")
    url = reverse("admin:accounts_user_change", args=[user.pk])
    form = open_form(staff_client, url)
    user.groups.add(group)
    User.objects.filter(pk=user.pk).update(theme="dark", email="eva@example.org", last_login="2026-01-15T12:00:00Z")
    assert staff_client.post(url, {**form, "daily_quota": "5"}).status_code == 302
    stored = User.objects.get(pk=user.pk)
    assert (stored.theme, stored.email, stored.daily_quota) == ("dark", "eva@example.org", 5)
    assert stored.last_login.isoformat() == "2026-01-15T12:00:00+00:00"
    assert list(stored.groups.all()) == [group]


def test_changes_of_a_form_of_the_admin_survive_an_error(staff_client, make_user):
    user, group = make_user("eva"), Group.objects.get(name="Reviewers")
    url = reverse("admin:accounts_user_change", args=[user.pk])
    form = {**open_form(staff_client, url), "groups": [str(group.pk)], "date_joined_0": "2026-01-15"}
    response = staff_client.post(url, {**form, "email": "no address"})
    shown = {**read_form(response.content), "email": ""}
    assert staff_client.post(url, shown).status_code == 302
    stored = User.objects.get(pk=user.pk)
    assert (list(stored.groups.all()), stored.date_joined.date().isoformat()) == ([group], "2026-01-15")
    cleared = {**open_form(staff_client, url), "groups": []}
    staff_client.post(url, cleared)
    assert not stored.groups.exists()


def test_a_group_gets_permissions_while_an_administrator_renames_it(staff_client):
    group = Group.objects.get(name="Reviewers")
    url = reverse("admin:auth_group_change", args=[group.pk])
    form = open_form(staff_client, url)
    removed = group.permissions.first()
    group.permissions.remove(removed)
    staff_client.post(url, {**form, "name": "Experts"})
    group.refresh_from_db()
    assert (group.name, removed in group.permissions.all()) == ("Experts", False)


def test_each_form_of_the_admin_contains_the_values_that_it_shows(staff_client, rf, superuser, shades):
    set_retention(model=shades.model, image_days=30, row_days=None)
    request = rf.get("/")
    request.user = superuser
    changeable = {model for model, page in admin.site._registry.items() if page.has_change_permission(request)}
    rows = {row._meta.model: row for row in (superuser, Group.objects.first(), AlertRule.objects.first())}
    rows |= {model: model.objects.first() for model in changeable if model.objects.exists()}
    assert {User, Group, AlertRule} < rows.keys() & changeable
    for model in rows.keys() & changeable:
        url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[rows[model].pk])
        response = staff_client.get(url)
        fields = response.context["adminform"].form.fields
        missing = [name for name in fields if f'name="initial-{name}"' not in response.content.decode()]
        assert missing == (["password"] if model is User else []), model
