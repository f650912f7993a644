"""Several reviewers use the review queue at the same time."""

import threading

import pytest
from django.db import connection, connections

from inference.tests.factories import make_noise_image
from predictions.models import Review
from predictions.review_strategies import ReviewQueue
from predictions.services.review_queue import claim_next, review_claimed, skip_prediction, undo_last_action
from predictions.services.review_validation import ReviewInput
from predictions.tests.factories import make_prediction


@pytest.mark.django_db(transaction=True)
def test_concurrent_reviewers_never_claim_the_same_prediction(shades, user, make_user):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite allows one writer at a time")
    pks = {make_prediction(user, make_noise_image(number)).pk for number in range(12)}
    people = [make_user(f"r{number}") for number in range(6)]
    claimed = {person.pk: [] for person in people}
    barrier = threading.Barrier(len(people))

    def walk(person):
        try:
            barrier.wait()
            while rows := claim_next(queue=ReviewQueue(shades, "random"), reviewer=person):
                claimed[person.pk].append(rows[0].pk)
                review = ReviewInput("correct")
                review_claimed(prediction=rows[0], reviewer=person, review=review)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=walk, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reviewed = [pk for rows in claimed.values() for pk in rows]
    assert sorted(reviewed) == sorted(pks)
    assert Review.objects.count() == Review.objects.active().count() == len(pks)


@pytest.mark.django_db(transaction=True)
def test_undo_of_a_skip_and_a_claim_of_the_same_prediction_do_not_wait_for_each_other(shades, user, make_user):
    """One reviewer undoes a skip while another one claims the skipped prediction."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite allows one writer at a time")
    prediction = make_prediction(user)
    first, second = make_user(), make_user()
    queue = ReviewQueue(shades, "random")
    claim_next(queue=queue, reviewer=first)
    skip_prediction(prediction=prediction, reviewer=first)
    claimed = []

    def claim():
        try:
            claimed.append(claim_next(queue=queue, reviewer=second))
        finally:
            connections.close_all()

    thread = threading.Thread(target=claim)

    def start_thread_before_insert(execute, sql, params, many, context):
        if sql.startswith("INSERT") and not thread.ident:
            thread.start()
            thread.join(timeout=0.5)  # it waits for the lock of the prediction
        return execute(sql, params, many, context)

    with connection.execute_wrapper(start_thread_before_insert):
        undone = undo_last_action(queue=queue, reviewer=first)
    thread.join()
    assert (undone, claimed) == (prediction, [[]])
