"""Staff with single permissions cannot gain more rights in the admin, or do what they may only see."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.urls import reverse

from accounts.models import User
from accounts.services import authenticate_token, create_token
from accounts.services.lockout import SignInSource, record_failure
from mlsite.tests.access import grant

pytestmark = pytest.mark.django_db


@pytest.fixture
def make_staff(make_user, client):
    """Return a function that signs in a staff user with some permissions."""

    def make(*permissions):
        person = make_user(is_staff=True)
        grant(person, *permissions)
        client.force_login(person)
        return person

    return make


@pytest.mark.parametrize("is_direct", [True, False])
def test_an_inactive_user_with_more_rights_cannot_be_taken_over(make_staff, make_user, client, is_direct):
    target = make_user("gone", is_active=False)
    if is_direct:
        grant(target, "predictions.view_prediction")
    else:
        target.groups.add(Group.objects.get(name="Reviewers"))
    make_staff("accounts.view_user", "accounts.change_user", "accounts.delete_user")
    form = {"username": "gone", "is_active": "on", "password1": "new pass phrase", "password2": "new pass phrase"}
    for name in ("admin:auth_user_password_change", "admin:accounts_user_change", "admin:accounts_user_delete"):
        assert client.post(reverse(name, args=[target.pk]), {**form, "post": "yes"}).status_code == 403
    action = {"action": "remove_second_factors", "_selected_action": [target.pk]}
    assert client.post(reverse("admin:accounts_user_changelist"), action).status_code == 403
    target = User.objects.get(pk=target.pk)
    assert target.check_password("correct horse") and not target.is_active


def test_an_inactive_user_without_more_rights_can_be_activated(make_staff, make_user, client):
    target = make_user("gone", is_active=False)
    make_staff("accounts.change_user")
    form = {"username": "gone", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    assert client.post(reverse("admin:accounts_user_change", args=[target.pk]), form).status_code == 302
    assert User.objects.get(pk=target.pk).is_active


def test_only_superusers_change_groups(make_staff, superuser, client):
    group, other = Group.objects.create(name="own"), Permission.objects.get(codename="view_prediction")
    staff = make_staff(*(f"auth.{verb}_group" for verb in ("view", "add", "change", "delete")))
    staff.groups.add(group)
    form, pages = {"name": "own", "permissions": [other.pk]}, {"add": [], "change": [group.pk], "delete": [group.pk]}
    for page, args in pages.items():
        response = client.post(reverse(f"admin:auth_group_{page}", args=args), {**form, "post": "yes"})
        assert response.status_code == 403, page
    assert client.get(reverse("admin:auth_group_change", args=[group.pk])).status_code == 200
    assert not group.permissions.exists()
    client.force_login(superuser)
    assert client.post(reverse("admin:auth_group_change", args=[group.pk]), form).status_code == 302
    assert group.permissions.get() == other


@pytest.mark.parametrize(("permissions", "is_revoked"), [(["view"], False), (["view", "change"], True)])
def test_whoever_can_only_view_tokens_cannot_revoke_them(make_staff, user, client, permissions, is_revoked):
    token, secret = create_token(user=user, name="import")
    make_staff(*(f"accounts.{verb}_apitoken" for verb in permissions))
    url, form = reverse("admin:accounts_apitoken_changelist"), {"action": "revoke_selected", "_selected_action": [token.pk]}
    assert ("revoke_selected" in client.get(url).content.decode()) == is_revoked
    client.post(url, form)
    assert (authenticate_token(secret=secret) is None) == is_revoked


def test_an_action_of_another_package_requires_the_permission_to_change_rows(make_staff, client):
    record_failure(source=SignInSource("ada", "192.0.2.1", ""), path="/")
    url, action = reverse("admin:axes_accessattempt_changelist"), "cleanup_expired_attempts"
    make_staff("axes.view_accessattempt")
    assert action not in client.get(url).content.decode()
    make_staff("axes.change_accessattempt")
    assert action in client.get(url).content.decode()


@pytest.mark.parametrize(
    ("model", "field"),
    [("events_webhook", "secret"), ("events_webhook", "previous_secret"), ("accounts_apitoken", "digest"),
     ("accounts_user", "password")],
)  # fmt: skip
def test_a_secret_cannot_be_guessed_with_a_filter(superuser, client, model, field):
    client.force_login(superuser)
    url = reverse(f"admin:{model}_changelist")
    for lookup in ("", "__startswith", "__gt", "__in", "__isnull"):
        assert client.get(url, {f"{field}{lookup}": "a"}).status_code == 400, lookup
