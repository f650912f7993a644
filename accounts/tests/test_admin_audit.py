"""The audit log in the admin: filters, search, and the CSV export, which is recorded too."""

import csv
import re
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from accounts.admin.audit import OBJECT_TYPES
from accounts.current_request import current_request
from accounts.models import AuditEntry
from accounts.services.audit import AuditObject, record_action
from core.fields import get_first_id
from mlsite.tests.access import grant

pytestmark = pytest.mark.django_db
Action = AuditEntry.Action
LIST = reverse("admin:accounts_auditentry_changelist")
EXPORT = reverse("admin:accounts_auditentry_export")


@pytest.fixture
def entries(client, superuser, user):
    """Sign the superuser in, and record a sign-in of `user` from an address, an export, and an old export."""
    client.force_login(superuser)
    token = current_request.set(RequestFactory().get("/", REMOTE_ADDR="192.0.2.7"))
    record_action(action=Action.SIGN_IN, actor=user, on=AuditObject("user", user.pk, "=ada()"))
    current_request.reset(token)
    record_action(action=Action.EXPORT, actor=superuser, on=AuditObject("dataset", "70421", "digits"))
    old = timezone.now() - timedelta(days=20)
    AuditEntry.objects.create(pk=get_first_id(old), created_at=old, action=Action.EXPORT, object_type="old")


def list_types(client, query):
    response = client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    return {entry.object_type for entry in response.context["cl"].result_list}


def test_the_list_is_filtered_and_searched_by_whole_values(client, entries, user):
    assert {"user", "dataset", "old"} <= list_types(client, "")
    assert list_types(client, "action=export") == {"dataset", "old"}
    assert list_types(client, "action=export&days=7") == {"dataset"}
    for term in ("192.0.2.7", "ada", user.pk):
        assert list_types(client, f"q={term}") == {"user"}, term
    assert list_types(client, "q=70421") == {"dataset"}
    assert list_types(client, "q=192.0.2") == list_types(client, "q=7042") == list_types(client, "q=nobody") == set()


def test_the_list_has_few_queries(client, entries, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        assert client.get(LIST).status_code == 200


def test_the_filtered_list_is_exported_and_the_export_is_recorded(client, entries, superuser):
    content = b"".join(client.post(f"{EXPORT}?days=7&q=ada").streaming_content).decode()
    rows = list(csv.DictReader(content.splitlines()))
    assert [(row["action"], row["actor"], row["address"], row["object_name"]) for row in rows] == [
        ("sign-in", "ada", "192.0.2.7", "'=ada()")
    ]
    entry = AuditEntry.objects.first()
    assert (entry.action, entry.actor, entry.object_type) == ("export", superuser, "audit log")


@pytest.mark.parametrize("query", ["q=%00", "unknown=1", "created_at__year=x"])
def test_invalid_filters_export_nothing(client, entries, query):
    assert client.post(f"{EXPORT}?{query}")["Location"] == f"{LIST}?e=1"


def test_an_export_reads_some_rows_per_query(client, entries, monkeypatch):
    monkeypatch.setattr("accounts.audit_csv.ROWS_PER_FETCH", 2)
    lines = b"".join(client.post(EXPORT).streaming_content).decode().splitlines()
    assert len(lines) == AuditEntry.objects.count() + 1


def test_entries_can_be_seen_with_the_permission_and_never_changed(client, entries, make_user):
    entry = AuditEntry.objects.first()
    change = reverse("admin:accounts_auditentry_change", args=[entry.pk])
    assert "dataset" in client.get(change).content.decode()
    for url in (reverse("admin:accounts_auditentry_add"), reverse("admin:accounts_auditentry_delete", args=[entry.pk])):
        assert client.post(url, {"post": "yes"}).status_code == 403
    auditor = make_user("auditor", is_staff=True)
    client.force_login(auditor)
    assert client.get(LIST).status_code == client.post(EXPORT).status_code == 403
    grant(auditor, "accounts.view_auditentry")
    assert client.get(LIST).status_code == client.post(EXPORT).status_code == 200
    assert client.get(EXPORT).status_code == 405


def test_object_types_are_in_the_language_of_the_reader(client, entries):
    html = client.get(LIST, headers={"accept-language": "de"}).content.decode()
    types = re.findall(r'class="field-type_name">([^<]+)', html)
    assert {"Benutzer", "old"} <= set(types)
    assert "user" not in types
    paths = [path for path in Path(settings.BASE_DIR).glob("*/**/*.py") if not {"tests", ".venv"} & set(path.parts)]
    used = {name for path in paths for name in re.findall(r'AuditObject\("([^"]+)"', path.read_text())}
    assert (len(used) > 7, used - OBJECT_TYPES.keys()) == (True, set())
