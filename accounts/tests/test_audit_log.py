"""The audit log: which actions it records, that the database rejects changes, and what is removed with a user."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.db import DatabaseError, connection, transaction
from django.test import RequestFactory
from django.utils import timezone

from accounts.current_request import current_request
from accounts.models import AuditEntry, User
from accounts.services import add_reviewer, create_token, revoke_token
from accounts.services.audit import AuditObject, clear_audit_entries, delete_old_entries, record_action
from accounts.services.removal import anonymize_user, delete_user
from core.fields import get_first_id
from registry.services.promote import move_alias

pytestmark = pytest.mark.django_db
Action = AuditEntry.Action
LOGIN_URL = "/accounts/login/"


def find_entries(*actions):
    return list(AuditEntry.objects.filter(action__in=actions).order_by("pk"))


@pytest.fixture
def as_request(user):
    """Pretend that a request of `user` is being served."""
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    request.user = user
    token = current_request.set(request)
    yield request
    current_request.reset(token)


def test_sign_in_and_sign_out_are_recorded_with_the_address(client, user):
    client.post(LOGIN_URL, {"username": "ada", "password": "correct horse"}, REMOTE_ADDR="192.0.2.7")
    client.post("/accounts/logout/", REMOTE_ADDR="2001:db8::1")
    entries = find_entries(Action.SIGN_IN, Action.SIGN_OUT)
    assert [(entry.action, entry.actor, entry.address) for entry in entries] == [
        ("sign-in", user, "192.0.2.7"),
        ("sign-out", user, "2001:db8::1"),
    ]


@pytest.mark.parametrize("name", ["ada", "unknown"])
def test_failed_sign_ins_are_recorded_until_the_lock(client, user, name):
    for _ in range(10):
        client.post(LOGIN_URL, {"username": name, "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    entries = find_entries(Action.SIGN_IN_FAILED)
    assert [entry.details for entry in entries] == [{"locked": False}] * 7 + [{"locked": True}]
    expected = (None, str(user.pk) if name == "ada" else "", name, "192.0.2.7")
    assert {(entry.actor, entry.object_id, entry.object_name, entry.address) for entry in entries} == {expected}
    assert "wrong" not in str(list(AuditEntry.objects.values()))


def test_tokens_are_recorded_without_their_secret(user, as_request):
    token, secret = create_token(user=user, name="Ada's import", scopes=["read"])
    revoke_token(token=token)
    revoke_token(token=token)
    created, revoked = find_entries(Action.TOKEN_CREATED, Action.TOKEN_REVOKED)
    assert (created.action, revoked.action) == ("token-created", "token-revoked")
    assert (created.actor, created.address, created.object_id) == (user, "192.0.2.7", str(token.pk))
    assert created.details == {"user_id": str(user.pk), "scopes": "read", "expires_at": ""}
    assert secret not in str(list(AuditEntry.objects.values()))
    assert "Ada" not in str(list(AuditEntry.objects.values()))


def test_exports_and_alias_moves_are_recorded(client, shades, user, superuser):
    client.force_login(user)
    for url in ("/predictions/export/?format=jsonl", "/predictions/own-data/"):
        assert b"".join(client.get(url).streaming_content) is not None
    move_alias(version=shades, alias="canary", user=superuser)
    exports = find_entries(Action.EXPORT)
    assert [(entry.actor, entry.object_type, entry.details["format"]) for entry in exports] == [
        (user, "predictions", "jsonl"),
        (user, "own data", "zip"),
    ]
    entry = find_entries(Action.ALIAS_MOVED)[-1]
    assert (entry.actor, entry.object_name, entry.details) == (superuser, "shades@canary", {"from": None, "to": 1})


def test_changes_of_groups_permissions_and_flags_are_recorded(user, as_request):
    permission = Permission.objects.get(codename="view_prediction")
    group = Group.objects.create(name="Guests")
    before = AuditEntry.objects.count()
    add_reviewer(user=user)
    user.groups.clear()
    group.user_set.add(user)
    user.user_permissions.add(permission)
    group.permissions.set([permission])
    group.permissions.set([])
    user.is_staff = False
    user.save()
    user.save(update_fields=["last_login"])
    rows = AuditEntry.objects.order_by("pk").values_list("action", "object_name", "details")[before:]
    assert [*rows] == [
        ("groups-changed", "ada", {"added": ["Reviewers"]}),
        ("rights-changed", "ada", {"is_staff": True}),
        ("groups-changed", "ada", {"removed": ["Reviewers"]}),
        ("groups-changed", "ada", {"added": ["Guests"]}),
        ("permissions-changed", "ada", {"added": ["predictions.view_prediction"]}),
        ("permissions-changed", "Guests", {"added": ["predictions.view_prediction"]}),
        ("permissions-changed", "Guests", {"removed": ["predictions.view_prediction"]}),
        ("rights-changed", "ada", {"is_staff": False}),
    ]


def test_a_new_superuser_is_recorded(superuser, user):
    details = {entry.object_name: entry.details for entry in find_entries(Action.RIGHTS_CHANGED)}
    assert details == {"root": {"is_staff": True, "is_superuser": True}}


CHANGES = {
    "created_at": "2020-01-01T00:00:00Z", "action": "export", "object_type": "x", "object_id": "x", "details": {"x": 1},
    "address": "192.0.2.8", "object_name": "other",
}  # fmt: skip


def make_entry(user):
    request = RequestFactory().get("/", REMOTE_ADDR="192.0.2.7")
    token = current_request.set(request)
    entry = record_action(action=Action.SIGN_IN, actor=user, on=AuditObject("user", user.pk, "ada"))
    current_request.reset(token)
    return entry


def test_every_column_is_guarded():
    assert {field.name for field in AuditEntry._meta.fields} - CHANGES.keys() == {"id", "actor"}


@pytest.mark.parametrize("name", [*CHANGES, "actor"])
def test_the_database_rejects_a_change(user, other, name):
    entry = make_entry(user)
    change = {name: CHANGES.get(name, other)}
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.filter(pk=entry.pk).update(**change)


def test_the_database_allows_to_clear_personal_data(user):
    entry = make_entry(user)
    assert AuditEntry.objects.filter(pk=entry.pk).update(actor=None, address=None, object_name="") == 1


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite does not guard deletions")
def test_the_database_rejects_the_deletion_of_new_entries(user):
    entry = make_entry(user)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        entry.delete()


@pytest.mark.parametrize("remove", [delete_user, anonymize_user])
def test_the_removal_of_a_user_is_recorded_and_clears_names_and_addresses(client, other, superuser, remove):
    client.post(LOGIN_URL, {"username": "eve", "password": "correct horse"}, REMOTE_ADDR="192.0.2.7")
    client.post(LOGIN_URL, {"username": "eve", "password": "wrong"}, REMOTE_ADDR="192.0.2.9")
    add_reviewer(user=other)
    user_id = other.pk
    remove(user=other)
    removal = find_entries(Action.USER_DELETED, Action.USER_ANONYMIZED)[0]
    assert removal.object_id == str(user_id)
    stored = str(list(AuditEntry.objects.values()))
    assert not any(text in stored for text in ("'eve'", "192.0.2.7", "192.0.2.9"))
    sign_in = find_entries(Action.SIGN_IN)[0]
    assert sign_in.actor_id == (None if remove is delete_user else user_id)


def test_another_user_keeps_their_entries(user, other):
    entry = make_entry(user)
    clear_audit_entries(user=other, username="eve")
    entry.refresh_from_db()
    assert (entry.actor, entry.address, entry.object_name) == (user, "192.0.2.7", "ada")


def test_the_removal_of_the_own_account_leaves_no_name_and_no_address(client, superuser, make_user):
    make_user(is_superuser=True)
    client.force_login(superuser)
    add_reviewer(user=superuser)
    url = f"/admin/accounts/user/{superuser.pk}/anonymize/"
    assert client.post(url, {"post": "yes"}, REMOTE_ADDR="192.0.2.7").status_code == 302
    assert User.objects.get(pk=superuser.pk).username.startswith("(anonymized")
    stored = str(list(AuditEntry.objects.values()))
    assert not any(text in stored for text in ("root", "192.0.2.7"))


def test_an_own_account_can_be_deleted_in_a_session(client, superuser, make_user):
    make_user(is_superuser=True)
    client.force_login(superuser)
    client.post(f"/admin/accounts/user/{superuser.pk}/delete/", {"post": "yes"})
    assert not User.objects.filter(pk=superuser.pk).exists()
    connection.check_constraints()


@pytest.mark.parametrize(("days", "left"), [(365, [100, 20]), (0, [1000, 400, 100, 20]), (5, [20])])
def test_old_entries_are_deleted(user, settings, days, left, monkeypatch):
    monkeypatch.setattr("accounts.services.audit.MAX_DELETED_ENTRIES", 1)
    now = timezone.now()
    for age in (1000, 400, 100, 20):
        AuditEntry.objects.create(
            pk=get_first_id(now - timedelta(days=age)), action=Action.EXPORT, created_at=now - timedelta(days=age)
        )
    settings.AUDIT_LOG_DAYS = days
    delete_old_entries()
    times = AuditEntry.objects.filter(action=Action.EXPORT).order_by("pk").values_list("created_at", flat=True)
    assert [(now - created_at).days for created_at in times] == left


def test_entries_without_a_request_have_no_actor():
    entry = record_action(action=Action.EXPORT)
    assert (entry.actor_id, entry.address) == (None, None)
    assert record_action(action=Action.EXPORT, actor=AnonymousUser()).actor_id is None
