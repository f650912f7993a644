"""The CloudEvents of all types agree with docs/event-schema.json, and removed rows leave no data."""

import json
from pathlib import Path
from urllib.parse import urldefrag

import jsonschema
import pytest

from events.models import Event
from events.payloads import SCHEMA_URI, build_cloud_events
from predictions.models import Input, Prediction, Review
from predictions.services import review_prediction, withdraw_review
from predictions.tests.batch_jobs import HEADER, make_job, run_job
from predictions.tests.factories import make_prediction
from predictions.tests.queued import queue_image, run
from registry.services.promote import move_alias

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("tasks")]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "event-schema.json").read_text())
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.FormatChecker())


def build_all():
    return build_cloud_events(list(Event.objects.order_by("id")))


@pytest.fixture
def all_types(variety, user, reviewer, shades):
    """Make events of all types."""
    review_prediction(prediction=variety[2], reviewer=reviewer, verdict="unsure", comment="?")
    withdraw_review(prediction=variety[2], reviewer=reviewer)
    run(queue_image(user))
    run_job(make_job(user, HEADER + "1,2,white\n1,x,white\n"))
    move_alias(version=shades, alias="staging", user=user)


def test_events_of_all_types_agree_with_the_schema(all_types, settings):
    settings.EVENT_SOURCE = "https://mlsite.example.org"
    events = build_all()
    assert {event["type"] for event in events} == {
        "prediction.succeeded", "prediction.failed", "review.created", "review.withdrawn", "alias.changed",
        "batch_job.ended",
    }  # fmt: skip
    assert not [event for event in events if event["data"] == {"removed": True}]
    for event in events:
        VALIDATOR.validate(json.loads(json.dumps(event)))
        base, fragment = urldefrag(event["dataschema"])
        definition = fragment.rpartition("/")[2]
        assert (base, SCHEMA["$id"]) == (SCHEMA_URI, SCHEMA_URI)
        jsonschema.Draft202012Validator(SCHEMA["$defs"][definition]).validate(event["data"])
        assert event["source"] == "https://mlsite.example.org"
    assert len({event["id"] for event in events}) == len(events)


def test_the_schema_rejects_other_events(shades, user):
    make_prediction(user)
    event = build_all()[-1]
    VALIDATOR.validate(event)
    for changes in ({"specversion": "2.0"}, {"id": 1}, {"time": "today"}, {"data": {}}, {"more": 1}, {"subject": ""}):
        assert not VALIDATOR.is_valid(event | changes), changes


def test_the_data_of_a_prediction(shades, user):
    prediction = make_prediction(user, client_reference="job-7")
    event = build_all()[-1]
    assert (event["id"], event["subject"], event["partitionkey"]) == (str(prediction.pk),) * 3
    data = event["data"]
    assert (data["user"], data["model"], data["model_version"]) == (str(user.pk), "shades", 1)
    assert (data["label"], data["output"], data["client_reference"]) == (prediction.label, prediction.output, "job-7")
    assert data["input"] == {"id": str(prediction.input_id), "kind": "image", "sha256": prediction.input.sha256}
    assert "a.png" not in json.dumps(event)  # names of files can contain names of people


def test_removed_rows_leave_no_data(shades, user, reviewer):
    prediction = make_prediction(user, client_reference="secret")
    review_prediction(prediction=prediction, reviewer=reviewer, true_label="grey", comment="secret")
    for model in (Review, Prediction, Input):
        model.objects.all().delete()
    events = [event for event in build_all() if event["type"] != "alias.changed"]
    assert [event["data"] for event in events] == [{"removed": True}] * 2
    assert "secret" not in json.dumps(events)
    for event in events:
        VALIDATOR.validate(event)


def test_the_number_of_queries_does_not_depend_on_the_number_of_events(all_types, user, django_assert_max_num_queries):
    with django_assert_max_num_queries(4):
        build_all()
    for _ in range(3):
        make_prediction(user, model="shades")
    with django_assert_max_num_queries(4):
        build_all()
