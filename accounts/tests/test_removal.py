"""Delete and anonymize users in the admin."""

import pytest
from axes.models import AccessAttempt, AccessLog
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from accounts.models import ApiToken, User
from accounts.services import create_token
from accounts.services.lockout import SignInSource, record_failure
from accounts.services.removal import anonymize_user, delete_user
from inference.tests.factories import make_image
from mlsite.tests.access import grant
from predictions.models import BatchJob, Input, Prediction, QueuedPrediction, Review, ReviewClaim
from predictions.review_strategies import ReviewQueue
from predictions.services import predict, review_prediction
from predictions.services.background import queue_prediction
from predictions.services.review_queue import claim_next
from predictions.services.summaries import update_summaries
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
MANY = 1000
CHANGELIST = "admin:accounts_user_changelist"


@pytest.fixture
def busy(shades, reviewer):
    """Return a reviewer with all kinds of rows, and a client in which they have signed in."""
    User.objects.filter(pk=reviewer.pk).update(email="rosa@example.org", first_name="Rosa")
    reviewer.refresh_from_db()
    create_token(user=reviewer, name="import")
    prediction = make_prediction(reviewer)
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct")
    make_prediction(None)
    claim_next(queue=ReviewQueue(shades, "newest"), reviewer=reviewer)
    queue_prediction(user=reviewer, source="api", image=ContentFile(make_image(0), name="q.png"))
    BatchJob.objects.create(user=reviewer, model_version=shades, kind="images", reference="shades", total_items=0)
    LogEntry.objects.log_actions(reviewer.pk, [reviewer], 2, single_object=True)
    record_failure(source=SignInSource(reviewer.username, "10.0.0.1", ""), path="/")
    update_summaries()
    assert ReviewClaim.objects.filter(reviewer=reviewer).exists()
    client = Client()
    client.force_login(reviewer)
    return reviewer, client


def check_remaining_rows(*, user):
    """Check that all rows are still there, and belong to the user or nobody."""
    assert Prediction.objects.filter(user=user, source="api").count() >= 2
    assert Input.objects.filter(user=user).count() >= 2
    assert Review.objects.get().reviewer == user
    assert BatchJob.objects.get().user == user
    assert BatchJob.objects.get().status == "canceled"
    assert BatchJob.objects.get().error_code == "user-inactive"
    assert not QueuedPrediction.objects.exists()
    assert Prediction.objects.get(status="canceled").error_code == "user-inactive"
    assert not ApiToken.objects.exists()
    assert not ReviewClaim.objects.exists()
    assert not AccessAttempt.objects.exists()
    assert not AccessLog.objects.exclude(username="root").exists()
    update_summaries()


@pytest.mark.parametrize("way", ["action", "page"])
def test_a_user_with_all_kinds_of_rows_is_deleted(busy, superuser, client, way):
    reviewer, own_client = busy
    client.force_login(superuser)
    if way == "page":
        url, fields = reverse("admin:accounts_user_delete", args=[reviewer.pk]), {}
        page = client.get(url)
    else:
        url, fields = reverse(CHANGELIST), {"action": "delete_selected", "_selected_action": [str(reviewer.pk)]}
        page = client.post(url, fields)
    text = " ".join(page.content.decode().split())
    assert "<td>API tokens</td> <td>1</td> <td>Deleted</td>" in text
    assert "<td>Reviews</td> <td>1</td> <td>Remain without a user</td>" in text
    assert User.objects.filter(pk=reviewer.pk).exists()
    assert client.post(url, {**fields, "post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=reviewer.pk).exists()
    check_remaining_rows(user=None)
    assert own_client.get("/").status_code == 302
    assert Session.objects.count() == 1  # that of the superuser


def test_an_anonymized_account_stays_without_personal_data(busy, superuser, client):
    reviewer, own_client = busy
    client.force_login(superuser)
    url = reverse("admin:accounts_user_anonymize", args=[reviewer.pk])
    assert "Anonymize" in client.get(reverse("admin:accounts_user_change", args=[reviewer.pk])).content.decode()
    assert "<td>Remain</td>" in client.get(url).content.decode()
    assert client.post(url, {"post": "yes"}).status_code == 302
    reviewer.refresh_from_db()
    assert (reviewer.email, reviewer.first_name, reviewer.is_active, reviewer.is_staff) == ("", "", False, False)
    assert reviewer.username.startswith("(anonymized ")
    assert not reviewer.has_usable_password()
    assert not reviewer.groups.exists()
    assert "rosa" not in str(list(LogEntry.objects.values_list("object_repr", flat=True)))
    check_remaining_rows(user=reviewer)
    assert own_client.get("/").status_code == 302
    assert Session.objects.count() == 1


@pytest.mark.parametrize("remove", [delete_user, anonymize_user])
def test_the_last_active_superuser_stays(superuser, make_user, client, remove):
    make_user(is_superuser=True, is_active=False)
    with pytest.raises(ValidationError):
        remove(user=superuser)
    client.force_login(superuser)
    name = "delete" if remove is delete_user else "anonymize"
    response = client.post(reverse(f"admin:accounts_user_{name}", args=[superuser.pk]), {"post": "yes"})
    assert response.status_code == 409
    assert "At least one active superuser must remain" in response.content.decode()
    assert User.objects.get(pk=superuser.pk).is_superuser


def test_ones_own_account_has_a_warning(superuser, make_user, client):
    make_user(is_superuser=True)
    client.force_login(superuser)
    url = reverse("admin:accounts_user_delete", args=[superuser.pk])
    assert "Your own account is among these users" in client.get(url).content.decode()
    assert client.post(url, {"post": "yes"}).url == "/accounts/login/"
    assert not User.objects.filter(pk=superuser.pk).exists()


def test_only_superusers_change_rights_and_remove_superusers(superuser, reviewer, make_user, client):
    manager = make_user("manager", is_staff=True)
    grant(manager, "accounts.view_user", "accounts.change_user", "accounts.delete_user")
    client.force_login(manager)
    for person in (superuser, reviewer):  # both have rights that the manager does not have
        for page in ("delete", "anonymize"):
            assert client.post(reverse(f"admin:accounts_user_{page}", args=[person.pk]), {"post": "yes"}).status_code == 403
        assert client.post(reverse("admin:auth_user_password_change", args=[person.pk]), {}).status_code == 403
    form = {"username": "manager", "is_superuser": "on", "is_staff": "on", "is_active": "on"}
    client.post(reverse("admin:accounts_user_change", args=[manager.pk]), form)
    assert not User.objects.get(pk=manager.pk).is_superuser


@pytest.mark.parametrize("options", [[], ["--anonymize"]])
def test_the_command_removes_users(user, superuser, options):
    call_command("remove_user", user.username, "--yes", *options)
    assert not User.objects.filter(username=user.username).exists()
    assert User.objects.filter(pk=user.pk).exists() == bool(options)
    with pytest.raises(CommandError, match="superuser must remain"):
        call_command("remove_user", superuser.username, "--yes", *options)
    with pytest.raises(CommandError, match="no user"):
        call_command("remove_user", "nobody", "--yes")


def test_many_predictions_are_kept(shades, user):
    first = predict(user=user, source="api", image=ContentFile(make_image(0), name="a.png"))
    values = {field.attname: getattr(first, field.attname) for field in Prediction._meta.fields if field.name != "id"}
    Prediction.objects.bulk_create([Prediction(**values) for _ in range(MANY)], batch_size=1000)
    update_summaries()
    delete_user(user=user)
    assert Prediction.objects.filter(user=None).count() == MANY + 1
