"""The admin pages of single rows that nobody can change. They show all that operators need, including automatic values."""

import pytest
from django.contrib import admin
from django.test import RequestFactory
from django.urls import reverse

from accounts.backends import CACHE_ATTRIBUTE
from accounts.models import AuditEntry, Erasure, ExternalIdentity, User
from accounts.services.audit import AuditObject, record_action
from core.admin import ReadOnlyAdmin
from events.models import Delivery, Event
from events.tests.webhooks import make_event, make_webhook
from predictions.models import RetentionRun

pytestmark = pytest.mark.django_db
READ_ONLY = [model for model, page in admin.site._registry.items() if isinstance(page, ReadOnlyAdmin)]
TIMES = {"created_at", "started_at", "requested_at"}


@pytest.fixture
def read_page(client, superuser):
    """Return a function that returns the HTML of the page of a row, or of the list of a model."""
    client.force_login(superuser)

    def read(model, row=None):
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{'change' if row else 'changelist'}"
        return client.get(reverse(name, args=[row.pk] if row else [])).content.decode()

    return read


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_each_page_has_fields_and_those_of_new_rows_their_time(model, superuser):
    request = RequestFactory().get("/")
    request.user = superuser
    page = admin.site._registry[model]
    fields = set(page.get_fields(request, model()))
    assert fields
    if model in (Erasure, ExternalIdentity, RetentionRun, AuditEntry, Event):
        assert fields & TIMES


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model._meta.label)
def test_the_permission_to_change_rows_does_not_show_them(model):
    request = RequestFactory().get("/")
    request.user = User(is_active=True, is_staff=True)
    codenames = [f"{verb}_{model._meta.model_name}" for verb in ("add", "change", "delete")]
    setattr(request.user, CACHE_ATTRIBUTE, frozenset(f"{model._meta.app_label}.{name}" for name in codenames))
    assert not admin.site._registry[model].has_view_permission(request)


def test_an_erasure_shows_what_was_removed(read_page, superuser):
    erasure = Erasure.objects.create(requested_by=superuser, total_rows=12345, counts={"inputs": 1200, "reviews": 34})
    assert "1,234" in read_page(Erasure) and "12,345" in read_page(Erasure)
    page = read_page(Erasure, erasure)
    for text in (str(erasure.pk), "root", "1,234", "&quot;inputs&quot;: 1200"):
        assert text in page


def test_the_audit_log_has_details_in_one_line(read_page):
    details = {"to": 2, "from": 1, "filters": {"label": "x" * 200}}  # in the order of PostgreSQL
    entry = record_action(action=AuditEntry.Action.EXPORT, on=AuditObject("dataset", 1, "digits"), details=details)
    page = read_page(AuditEntry)
    assert "to: 2, from: 1, filters: {" in page and "x" * 100 not in page
    assert "x" * 200 in read_page(AuditEntry, entry)


def test_a_delivery_links_to_its_webhook(read_page, user):
    webhook, event = make_webhook(user, "https://example.org/hook"), make_event(user)
    rows = [Delivery.objects.create(event=event, key=event.key, target=target) for target in (webhook.target, "webhook:x")]
    link = reverse("admin:events_webhook_change", args=[webhook.pk])
    pages = [read_page(Delivery, row) for row in rows]
    assert [link in page for page in pages] == [True, False]
    assert f"{webhook.target}: Pending" in pages[0] and "webhook:x" in pages[1]
    assert str(event.uuid) in read_page(Event, event)


def test_a_delivery_shows_the_target_of_a_deleted_webhook_without_a_link(read_page, user):
    deleted, event = make_webhook(user, "https://example.org/deleted"), make_event(user)
    remaining = make_webhook(user, "https://example.org/hook")
    delivery = Delivery.objects.create(event=event, key=event.key, target=deleted.target)
    deleted.delete()
    page = read_page(Delivery, delivery)
    assert f'<div class="readonly">{delivery.target}</div>' in page
    assert str(remaining.pk) not in page


def test_a_webhook_has_no_link_to_the_page_that_only_its_user_can_open(read_page, user):
    webhook = make_webhook(user, "https://example.org/hook", "review.created", "alias.changed")
    page = read_page(type(webhook), webhook)
    assert "review.created, alias.changed" in page
    assert "View on site" not in page
