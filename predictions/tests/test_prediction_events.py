"""Each final prediction, review, alias change, and ended batch job has one event, in the transaction of the change."""

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts.services.removal import delete_user
from events.models import Event
from inference.tests.factories import make_image
from predictions.models import Prediction, QueuedPrediction
from predictions.services import predict, review_prediction, withdraw_review
from predictions.services.background import cancel_prediction, cancel_predictions, queue_prediction, transitions
from predictions.services.background.transitions import claim_prediction, expire_prediction
from predictions.services.batch import BatchItem, predict_batch
from predictions.services.batch_jobs import cancel_batch_job, retry_batch_job
from predictions.services.ground_truth import review_predictions
from predictions.services.other_versions import predict_with_version
from predictions.services.prediction_events import record_prediction_events
from predictions.tests.batch_jobs import HEADER, make_job, make_rows, run_job
from predictions.tests.factories import make_prediction
from predictions.tests.queued import queue_image, run
from registry.references import resolve_model
from registry.services import register_model
from registry.services.promote import move_alias

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tasks")]


def list_events(pattern="prediction."):
    return list(Event.objects.filter(type__startswith=pattern).order_by("id"))


def check_events(*predictions):
    """Check that exactly these predictions have an event each."""
    events = {event.uuid: event for event in list_events()}
    assert events.keys() == {prediction.pk for prediction in predictions}
    for prediction in predictions:
        event = events[prediction.pk]
        assert event.type == f"prediction.{prediction.status}"
        assert (event.subject, event.key) == (str(prediction.pk), str(prediction.pk))
        assert (event.user_id, event.created_at) == (prediction.user_id, prediction.completed_at)
        assert (event.data, event.is_fanned_out) == (None, False)


def test_predictions_of_all_kinds_have_an_event(shades, flowers, user, register_failing):
    register_failing(nan=True)
    image = make_prediction(user)
    row = predict(user=None, source="cli", features={"petals": 5, "length": 4, "colour": "white"}, model="flowers")
    failed = make_prediction(user, model="failing")
    assert failed.status == "failed"
    check_events(image, row, failed)


def test_a_prediction_without_a_row_has_no_event(shades, user):
    def fail(prediction):
        assert Event.objects.filter(uuid=prediction.pk).exists()
        raise RuntimeError

    with pytest.raises(RuntimeError):
        make_prediction(user, in_transaction=fail)
    assert not Prediction.objects.exists() and not list_events()
    with pytest.raises(RuntimeError), transaction.atomic():
        make_prediction(user)
        raise RuntimeError
    assert not Prediction.objects.exists() and not list_events()


def test_a_prediction_without_an_event_is_not_stored(shades, user):
    def reject(execute, sql, params, many, context):
        if 'INSERT INTO "events_event"' in sql:
            raise DatabaseError("rejected")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(reject), pytest.raises(DatabaseError):
        make_prediction(user)
    assert not Prediction.objects.exists()


def test_a_prediction_cannot_have_two_events(shades, user):
    prediction = make_prediction(user)
    with pytest.raises(IntegrityError), transaction.atomic():
        record_prediction_events(prediction_ids=[prediction.pk])
    check_events(prediction)


def test_each_prediction_of_a_batch_has_an_event(shades, user):
    items = [BatchItem(image=ContentFile(make_image(shade), name="a.png")) for shade in (0, 100, 255)]
    results = predict_batch(user=user, source="api", resolved=resolve_model("shades", user=user), items=items)
    check_events(*(result.prediction for result in results))


def test_a_queued_prediction_has_an_event_when_it_is_final(shades, user):
    queued = queue_image(user)
    assert not list_events()
    check_events(run(queued))


def test_predictions_that_end_in_the_queue_have_an_event(shades, user):
    canceled = cancel_prediction(prediction=queue_image(user))
    expired = queue_image(user)
    expire_prediction(expired.pk)
    expired.refresh_from_db()
    assert (canceled.status, expired.status) == ("canceled", "failed")
    check_events(canceled, expired)


def test_many_predictions_are_canceled_with_their_events(shades, user, django_assert_num_queries, monkeypatch):
    running, final, *queued = (queue_image(user) for _ in range(5))
    claim_prediction(running.pk)
    run(final)
    with django_assert_num_queries(7):  # of one transaction, for any number of predictions
        assert cancel_predictions(prediction_ids=[row.pk for row in (running, final, *queued)]) == 4
    assert cancel_predictions(prediction_ids=[running.pk]) == 0
    for row in (running, final, *queued):
        row.refresh_from_db()
    assert [row.status for row in (running, final, *queued)] == ["canceled", "succeeded", *["canceled"] * 3]
    assert not QueuedPrediction.objects.exists()
    check_events(running, final, *queued)
    others = [queue_image(user) for _ in range(3)]
    monkeypatch.setattr(transitions, "MAX_FINISHED_ROWS", 2)
    assert cancel_predictions(prediction_ids=[row.pk for row in others]) == 3


def test_the_queued_predictions_of_a_removed_user_have_an_event(shades, user):
    done, queued = make_prediction(user), queue_image(user)
    delete_user(user=user)
    for prediction in (done, queued):
        prediction.refresh_from_db()
    assert (queued.status, queued.user) == ("canceled", None)
    check_events(done, queued)


def test_another_version_on_the_same_input_has_an_event(shades, user, write_dummy):
    prediction = make_prediction(user)
    second = register_model(path=write_dummy(fixed=[0, 1, 0]), promote=True)
    check_events(prediction, predict_with_version(prediction=prediction, version=second, user=user))


def test_a_batch_job_has_an_event_each_time_it_ends(flowers, user):
    job = run_job(make_job(user, HEADER + "1,2,white\n1,x,white\n"))
    (event,) = list_events("batch_job.")
    assert (event.type, event.subject, event.key, event.user) == ("batch_job.ended", str(job.pk), str(job.pk), user)
    assert event.data == {
        "id": str(job.pk), "status": "succeeded", "kind": "table", "total_items": 2, "succeeded_items": 1,
        "failed_items": 1, "model": "flowers", "model_version": 1, "error_code": None,
    }  # fmt: skip
    check_events(*Prediction.objects.all())
    canceled = cancel_batch_job(job=make_job(user, make_rows(2)))
    run_job(retry_batch_job(job=canceled))
    statuses = [event.data["status"] for event in list_events("batch_job.") if event.subject == str(canceled.pk)]
    assert statuses == ["canceled", "succeeded"]


def test_reviews_have_events_with_the_key_of_their_prediction(shades, user, reviewer):
    prediction = make_prediction(user)
    first = review_prediction(prediction=prediction, reviewer=reviewer, verdict="correct")
    second = review_prediction(prediction=prediction, reviewer=reviewer, true_label="grey")
    assert withdraw_review(prediction=prediction, reviewer=reviewer)
    assert not withdraw_review(prediction=prediction, reviewer=reviewer)
    events = list_events("review.")
    assert [(event.type, event.subject) for event in events] == [
        ("review.created", str(first.pk)), ("review.withdrawn", str(first.pk)),
        ("review.created", str(second.pk)), ("review.withdrawn", str(second.pk)),
    ]  # fmt: skip
    assert {(event.key, event.user) for event in events} == {(str(prediction.pk), user)}


def test_each_review_of_ground_truth_has_an_event(shades, user):
    predictions = [make_prediction(user, make_image(shade)) for shade in (0, 255)]
    items = [{"id": prediction.pk, "true_label": "grey"} for prediction in predictions]
    results = review_predictions(items=items, reviewer=user)
    events = {event.uuid: event.key for event in list_events("review.")}
    assert events == {result.review.pk: str(result.review.prediction_id) for result in results}


def test_a_change_of_an_alias_has_an_event(shades, user):
    change = move_alias(version=shades, alias="staging", user=user)
    event = Event.objects.get(uuid=change.pk)
    assert (event.type, event.subject, event.key, event.user) == ("alias.changed", *["shades@staging"] * 2, None)


@pytest.mark.django_db(transaction=True)
def test_predictions_that_share_a_transaction_have_one_event_each(shades, user):
    """Without a transaction around it, a single statement writes the input, the prediction, and the event."""
    prediction = make_prediction(user)
    queued = queue_prediction(user=user, source="api", image=ContentFile(make_image(1), name="a.png"))
    assert queued.status == "queued"
    check_events(prediction)
