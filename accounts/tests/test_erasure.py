"""Who can erase accounts, and what becomes of the account."""

import pytest
from axes.models import AccessAttempt
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.urls import reverse

from accounts.erasers import ERASERS, Eraser
from accounts.models import AttemptCount, AuditEntry, Erasure, User
from accounts.services import create_token
from accounts.services.attempts import count_attempt
from accounts.services.erasure import erase_user, resume_erasures, start_erasure
from accounts.services.removal import delete_user
from predictions.models import Prediction, SavedFilter
from predictions.services import review_prediction
from predictions.services.saved_filters import save_filter
from predictions.tests.factories import make_prediction

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse"


def test_the_account_is_deleted_unless_its_reviews_remain(shades, user, reviewer):
    prediction = make_prediction(user)
    start = [start_erasure(user=person) for person in (user, reviewer)]
    review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct")
    resume_erasures()
    assert not User.objects.filter(pk=user.pk).exists()
    remaining = User.objects.get(pk=reviewer.pk)
    assert (remaining.username[:8], remaining.email, remaining.is_active, remaining.groups.count()) == (
        "(erased ",
        "",
        False,
        0,
    )
    assert all(Erasure.objects.get(pk=each.pk).completed_at for each in start)


def test_an_account_cannot_be_deleted_while_it_is_erased(shades, user):
    prediction = make_prediction(user)
    start_erasure(user=user)
    for remove in (delete_user, start_erasure):
        with pytest.raises(ValidationError, match="is being erased"):
            remove(user=User.objects.get(pk=user.pk))
    resume_erasures()
    assert Prediction.objects.get(pk=prediction.pk).is_erased


def test_erasing_an_account_needs_the_password(signed_in, user):
    page = signed_in.get(reverse("accounts:erase")).content.decode()
    assert "Erase my account and data" in page
    response = signed_in.post(reverse("accounts:erase"), {"password": "wrong"})
    assert "The password is wrong." in response.content.decode()
    assert User.objects.get(pk=user.pk).is_active and not Erasure.objects.exists()


def test_the_last_superuser_cannot_be_erased(superuser, client):
    client.force_login(superuser)
    response = client.post(reverse("accounts:erase"), {"password": PASSWORD})
    assert "At least one active superuser must remain" in response.content.decode()
    assert User.objects.get(pk=superuser.pk).username == "root"


def test_administrators_erase_users(shades, user, superuser, client):
    make_prediction(user)
    create_token(user=user, name="import")
    client.force_login(superuser)
    url = reverse("admin:accounts_user_erase", args=[user.pk])
    assert "Inputs with their predictions" in client.get(url).content.decode()
    assert client.post(url, {"post": "yes"}).status_code == 302
    assert not User.objects.filter(pk=user.pk).exists()
    assert Erasure.objects.get().requested_by == superuser
    assert client.get(reverse("admin:accounts_erasure_changelist")).status_code == 200


def test_the_command_erases_users(shades, user):
    make_prediction(user)
    call_command("remove_user", user.username, "--erase", "--yes")
    assert not User.objects.filter(pk=user.pk).exists() and Prediction.objects.get().is_erased


def test_a_prediction_that_is_stored_during_the_erasure_is_erased_too(shades, user, monkeypatch):
    """A request that was running when the account was cleared ends after the eraser of predictions has run."""
    stored = []

    def store_late(user):
        if not stored:
            stored.append(make_prediction(user))
        return 0

    late = Eraser("late", "", "", lambda user: Prediction.objects.none(), store_late)
    monkeypatch.setattr("accounts.services.erasure.ERASERS", [*ERASERS, late])
    erasure = erase_user(user=user)
    prediction = Prediction.objects.select_related("input").get()
    assert prediction.is_erased
    assert prediction.input.data_removed_at
    assert not User.objects.filter(pk=user.pk).exists()
    assert Erasure.objects.get(pk=erasure.pk).counts["predictions.input"] == 1


def test_an_erasure_finds_all_forms_in_which_the_name_was_entered(client, make_user, reviewer):
    person = make_user("ada", email="Ada@Example.org")
    for name in ("ADA", "ada@example.org", "other"):
        client.post(reverse("accounts:login"), {"username": name, "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    count_attempt(kind="reset-email", key="ada@example.org", limit=5)
    for query in ("search=ada&model=shades", "user=ada", "search=ada2"):
        save_filter(user=reviewer, name=query, query=query)
    make_user("eve@example.org", email="ada@example.org")  # has the name that another account has as its address
    client.post(reverse("accounts:login"), {"username": "eve@example.org", "password": "wrong"}, REMOTE_ADDR="192.0.2.8")
    erase_user(user=make_user("eve", email="eve@example.org"))
    erase_user(user=person)
    assert {*AccessAttempt.objects.values_list("username", flat=True)} == {"ADA", "other", "eve@example.org"}
    failed = AuditEntry.objects.filter(action=AuditEntry.Action.SIGN_IN_FAILED).order_by("pk")
    assert [*failed.values_list("object_name", "address")] == [
        *[("", None), ("", None), ("other", "192.0.2.7")],
        ("eve@example.org", "192.0.2.8"),
    ]
    queries = SavedFilter.objects.order_by("pk").values_list("query", flat=True)
    assert [*queries] == ["model=shades", "", "search=ada2"]
    assert not AttemptCount.objects.filter(kind="reset-email").exists()
