"""Accounts are removed while requests and workers store rows of the same users. Neither waits for the other in a circle."""

import threading
import time

import pytest
from django.db import connection, connections

from accounts.models import User
from accounts.services.removal import anonymize_user, delete_user
from events.models import Event
from predictions.models import Prediction
from predictions.services.background import cancel_prediction
from predictions.services.reviews import review_prediction
from predictions.tests.factories import make_prediction
from predictions.tests.queued import queue_image

WAIT_SECONDS = 0.3  # until the removal waits for a row


def run_during_removal(change, remove, owner):
    """Start to remove an account when a transaction has changed rows, before it stores the event."""
    errors = []

    def run():
        try:
            remove(user=User.objects.get(pk=owner.pk))
        except Exception as error:
            errors.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)

    def start_thread_before_event(execute, sql, params, many, context):
        if "events_event" in sql and not thread.ident:
            thread.start()
            thread.join(timeout=WAIT_SECONDS)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(start_thread_before_event):
        change()
    thread.join()
    return errors


@pytest.fixture
def owner(make_user):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite allows one writer at a time")
    return make_user()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("remove", [anonymize_user, delete_user])
def test_an_account_can_be_removed_while_its_queued_prediction_ends(shades, owner, remove):
    prediction = queue_image(owner)
    assert not run_during_removal(lambda: cancel_prediction(prediction=prediction), remove, owner)
    assert Prediction.objects.get().status == "canceled"
    assert not User.objects.filter(pk=owner.pk, is_active=True).exists()


@pytest.mark.django_db(transaction=True)
def test_an_account_can_be_deleted_while_its_prediction_is_reviewed(shades, owner, user):
    prediction = make_prediction(owner)
    review = {"prediction": prediction, "reviewer": user, "verdict": "correct"}
    assert not run_during_removal(lambda: review_prediction(**review), delete_user, owner)
    assert Prediction.objects.get().reviews.count() == 1
    assert not Event.objects.filter(user_id=owner.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_deletion_in_a_deadlock_is_tried_again(shades, owner, user):
    """A request stores a prediction after the rows of its user were released. It is reviewed when the account is locked."""
    has_locked = threading.Event()

    def signal_before_event(execute, sql, params, many, context):
        if "events_event" in sql and not has_locked.is_set():
            has_locked.set()
            time.sleep(WAIT_SECONDS)  # the deletion waits for the prediction
        return execute(sql, params, many, context)

    def review(prediction):
        try:
            with connection.execute_wrapper(signal_before_event):
                review_prediction(prediction=prediction, reviewer=user, verdict="correct")
        finally:
            connections.close_all()

    thread = threading.Thread(target=lambda: review(make_prediction(owner)))

    def start_thread_before_lock(execute, sql, params, many, context):
        if '"accounts_user"' in sql and sql.endswith("FOR UPDATE") and not thread.ident:
            thread.start()
            has_locked.wait(timeout=10)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(start_thread_before_lock):
        delete_user(user=User.objects.get(pk=owner.pk))
    thread.join()
    assert Prediction.objects.get().user_id is None
    assert Prediction.objects.get().reviews.count() == 1
