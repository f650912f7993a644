"""The names of rows of Django and of django-axes in the admin."""

from datetime import UTC, datetime

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group, Permission
from django.urls import reverse
from django.utils.translation import override

from accounts import row_names

pytestmark = pytest.mark.django_db


def test_deleting_a_group_names_its_permissions_and_members(client, superuser, user):
    group = Group.objects.create(name="Auditors")
    group.permissions.add(Permission.objects.get(codename="view_review"))
    user.groups.add(group)
    client.force_login(superuser)
    html = client.get(reverse("admin:auth_group_delete", args=[group.pk])).content.decode()
    assert ("Auditors: Predictions | Review | View" in html, f"{user}: Auditors" in html) == (True, True)
    assert "relationship" not in html and "object (" not in html


def test_a_failed_sign_in_has_a_name_in_the_language_and_time_zone(settings):
    settings.TIME_ZONE = "UTC"
    attempt = AccessAttempt(username="eve", attempt_time=datetime(2026, 3, 4, 5, 6, tzinfo=UTC))
    with override("de"):
        assert str(attempt) == "Zugriffsversuch: eve, 4. März 2026, 05:06"


def test_all_groups_of_migrations_have_a_name_in_other_languages(monkeypatch):
    assert set(Group.objects.values_list("name", flat=True)) == row_names.GROUP_NAMES.keys()
    monkeypatch.setitem(row_names.GROUP_NAMES, "Reviewers", "Prüfer")
    assert (str(Group(name="Reviewers")), str(Group(name="My team"))) == ("Prüfer", "My team")
