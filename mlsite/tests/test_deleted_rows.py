"""A row that another request deletes: whoever changes it at the same time gets a 404, and nothing is changed."""

from datetime import timedelta

import pytest
from django.urls import reverse
from uuid_utils.compat import uuid7

from accounts.models import AuditEntry, User
from accounts.services.preferences import change_email, update_preferences
from accounts.services.removal import anonymize_user, delete_user
from core.locks import RowDeleted
from core.tests.problems import assert_problem
from evaluation.models import Replay
from evaluation.services.replays import cancel_replay
from events.models import Event, Webhook
from events.services import webhooks
from events.tests.webhooks import make_webhook
from monitoring.models import Alert, AlertRule
from monitoring.services import alert_actions
from predictions.models import BatchJob, Prediction, RetentionPolicy, Review, SavedFilter
from predictions.services.annotations import add_comment, add_tag
from predictions.services.background import cancel_prediction, wait_for_final
from predictions.services.batch_jobs import cancel_batch_job, retry_batch_job, start_batch_job
from predictions.services.retention import change_retention
from predictions.services.review_assignments import assign_review
from predictions.services.reviews import replace_reviews
from predictions.services.saved_filters import rename_filter

pytestmark = pytest.mark.django_db
URL = "https://example.org/hook"
HOUR = timedelta(hours=1)


def make_deleted(model, **fields):
    """Return an object whose row is not in the database any more."""
    row = model(pk=uuid7(), **fields)
    row._state.adding = False
    return row


def change_webhook(name, **arguments):
    return lambda user: getattr(webhooks, name)(webhook=make_deleted(Webhook, user=user), **arguments)


def change_alert(name, **arguments):
    return lambda user: getattr(alert_actions, name)(alert=make_deleted(Alert), **arguments)


def change_rule(name, **fields):
    return lambda user: getattr(alert_actions, name)(rule=make_deleted(AlertRule, metric="latency", **fields))


def review(user):
    row = Review(prediction=make_deleted(Prediction), reviewer=user, verdict="correct", picked_by="manual")
    replace_reviews(reviews=[row], reviewer=user)


CHANGES = {
    "webhook": change_webhook("update_webhook", url=URL),
    "pause": change_webhook("pause_webhook"),
    "resume": change_webhook("resume_webhook"),
    "rotate": change_webhook("rotate_secret"),
    "test": change_webhook("send_test_event"),
    "resend": change_webhook("resend_deliveries"),
    "new webhook": lambda user: webhooks.create_webhook(user=make_deleted(User), url=URL, event_types=["alias.changed"]),
    "acknowledge": lambda user: change_alert("acknowledge_alert", user=user)(user),
    "mute": change_alert("mute_alert", duration=HOUR),
    "unmute": change_alert("unmute_alert"),
    "rule": change_rule("save_rule"),
    "delete rule": change_rule("delete_rule", model_id=uuid7()),
    "start": lambda user: start_batch_job(job=make_deleted(BatchJob, user=user)),
    "cancel job": lambda user: cancel_batch_job(job=make_deleted(BatchJob, user=user)),
    "retry": lambda user: retry_batch_job(job=make_deleted(BatchJob, user=user)),
    "cancel": lambda user: cancel_prediction(prediction=make_deleted(Prediction)),
    "wait": lambda user: wait_for_final(make_deleted(Prediction), seconds=1),
    "comment": lambda user: add_comment(prediction=make_deleted(Prediction), author=user, text="x"),
    "tag": lambda user: add_tag(prediction=make_deleted(Prediction), user=user, name="x"),
    "review": review,
    "assign": lambda user: assign_review(reviewer=make_deleted(User), assigned_by=user, query=""),
    "replay": lambda user: cancel_replay(replay=make_deleted(Replay)),
    "filter": lambda user: rename_filter(saved_filter=make_deleted(SavedFilter, user=user, query="x"), name="x"),
    "retention": lambda user: change_retention(policy=make_deleted(RetentionPolicy), changes={"image_days": 1}),
    "email": lambda user: change_email(user=make_deleted(User), email="ada@example.org"),
    "preferences": lambda user: update_preferences(user=make_deleted(User), changes={"theme": "dark"}),
    "anonymize": lambda user: anonymize_user(user=make_deleted(User, username="gone")),
    "delete user": lambda user: delete_user(user=make_deleted(User, username="gone")),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_deleted_row_is_not_changed_and_not_created_again(user, change):
    audited = AuditEntry.objects.count()
    with pytest.raises(RowDeleted):
        change(user)
    assert AuditEntry.objects.count() == audited
    assert not Event.objects.exists()
    assert not any(model.objects.exists() for model in (Webhook, Alert, BatchJob, Prediction, SavedFilter, RetentionPolicy))
    assert list(User.objects.all()) == [user]


@pytest.fixture
def deleted_webhook(user, monkeypatch):
    """Return a webhook that is deleted as soon as a request has found it."""
    webhook = make_webhook(user, URL)

    def delete_first(service):
        def change(*, webhook, **arguments):
            Webhook.objects.all().delete()
            return service(webhook=webhook, **arguments)

        return change

    for module in ("api", "views"):
        path = {"api": "events.api.views", "views": "events.views.webhooks"}[module]
        for name in ("update_webhook", "resume_webhook"):
            monkeypatch.setattr(f"{path}.{name}", delete_first(getattr(webhooks, name)))
    return webhook


def test_the_api_reports_that_nothing_was_changed(api, deleted_webhook):
    response = api.patch(f"/api/v1/webhooks/{deleted_webhook.pk}/", {"description": "x"}, "application/json")
    problem = assert_problem(response, 404, "not-found")
    assert problem["detail"] == "Another request has deleted this at the same time. Nothing was changed."


def test_a_page_reports_that_nothing_was_changed(signed_in, deleted_webhook):
    response = signed_in.post(reverse("events:webhook-resume", args=[deleted_webhook.pk]))
    assert response.status_code == 404
    assert "Another request has deleted this at the same time. Nothing was changed." in response.content.decode()
