"""An erased user leaves nothing but numbers: not in the database, in files, or in exports. Metrics stay the same."""

import io
import json
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.erasers import ERASERS
from accounts.models import Erasure, ExternalIdentity, User
from accounts.services import add_reviewer, create_token
from accounts.services.attempts import count_attempt
from accounts.services.erasure import resume_erasures, start_erasure
from accounts.services.lockout import SignInSource, record_failure
from evaluation.comparison import compare_versions
from evaluation.models import ReplayResult
from evaluation.report import evaluate_version
from evaluation.services.replays import create_replay, run_replay
from events.models import Event
from events.payloads import build_cloud_events
from events.services.webhooks import create_webhook
from inference.tests.factories import make_image
from monitoring.services.rollup import roll_up
from predictions.models import Input, Prediction, RemovedFile, Review
from predictions.services import erasure, predict, review_prediction
from predictions.services.annotations import add_comment, add_tag
from predictions.services.background import queue_prediction
from predictions.services.other_versions import predict_with_version
from predictions.services.review_assignments import assign_review
from predictions.services.saved_filters import save_filter
from predictions.services.summaries import delete_summaries, update_summaries
from predictions.tests.batch_jobs import make_job, run_job
from predictions.tests.factories import PREDICTIONS_URL, list_stored_files, make_image_file, make_prediction
from registry.services import register_model

pytestmark = pytest.mark.django_db
MARKER, ADDRESS, PASSWORD = "zqmarker", "203.0.113.77", "correct horse"
TYPE = "prediction.succeeded"
MARKED_ROWS = f"length,petals,colour,{MARKER}\n1,2,white,{MARKER}\n1,2,{MARKER},x\n"


@pytest.fixture
def marked(make_user):
    person = make_user(MARKER, email=f"{MARKER}@example.org", first_name=MARKER, last_name=MARKER)
    add_reviewer(user=person)
    return person


@pytest.fixture
def second(shades, write_dummy):
    """Return another version of `shades`."""
    return register_model(path=write_dummy(name="shades"))


def enter_everywhere(person, reviewer, other, second):
    """Write the marker into everything that a user can enter."""
    client = Client(headers={"authorization": f"Bearer {create_token(user=person, name=MARKER)[1]}"})
    body = {"text": f"{MARKER} is great", "model": "reviews", "client_reference": MARKER}
    response = client.post(PREDICTIONS_URL, body, "application/json", headers={"idempotency-key": MARKER})
    assert response.status_code == 201
    fields = {"image": make_image_file(make_image(9), name=f"{MARKER}.png"), "model": "shades", "client_reference": MARKER}
    image = Prediction.objects.get(pk=client.post(PREDICTIONS_URL, fields).json()["id"])
    Client().get(reverse("predictions:thumbnail", args=[image.input_id]))
    predict(user=person, source="api", image=make_image_file(make_image(255, size=(8, 8)), name=MARKER),
            features={"weight": 3}, model="parcels")  # fmt: skip
    queue_prediction(user=person, source="api", image=ContentFile(make_image(0), name=f"{MARKER}.png"),
                     client_reference=MARKER)  # fmt: skip
    review_prediction(prediction=image, reviewer=person, true_label="grey", comment=MARKER)
    review_prediction(prediction=image, reviewer=reviewer, true_label="grey", comment=f"by {MARKER}", picked_by="random")
    add_comment(prediction=image, author=person, text=MARKER)
    add_comment(prediction=image, author=reviewer, text=f"from {MARKER}")
    add_tag(prediction=image, user=person, name=MARKER)
    theirs = make_prediction(other, make_image(10))
    review_prediction(prediction=theirs, reviewer=person, true_label="white", comment=MARKER)
    review_prediction(prediction=theirs, reviewer=reviewer, true_label="grey")
    add_comment(prediction=theirs, author=person, text=MARKER)
    add_tag(prediction=theirs, user=person, name=MARKER)
    predict_with_version(prediction=theirs, version=second, user=person)
    predict_with_version(prediction=image, version=second, user=reviewer)
    save_filter(user=person, name=MARKER, query=f"q={MARKER}")
    save_filter(user=reviewer, name="theirs", query=f"user={MARKER}&model=shades")
    assign_review(reviewer=reviewer, assigned_by=person, query=f"q={MARKER}", note=MARKER)
    assign_review(reviewer=person, assigned_by=reviewer, query="model=shades", note=MARKER)
    run_job(make_job(person, MARKED_ROWS))
    make_job(person, MARKED_ROWS)  # a draft
    run_replay(str(create_replay(user=reviewer, version=second, baseline=image.model_version).pk))
    assert ReplayResult.objects.filter(prediction=image).update(error_message=MARKER)
    create_webhook(user=person, url=f"https://example.org/{MARKER}", event_types=[TYPE], description=MARKER)
    ExternalIdentity.objects.create(user=person, issuer="https://example.org", subject=MARKER)
    TOTPDevice.objects.create(user=person, name=MARKER)
    LogEntry.objects.log_actions(person.pk, [person], 2, change_message=MARKER, single_object=True)
    LogEntry.objects.log_actions(reviewer.pk, [person, person.tokens.get()], 2)
    record_failure(source=SignInSource(person.username, ADDRESS, MARKER), path=f"/{MARKER}")
    count_attempt(kind="reset", key=person.email, limit=3)
    return theirs


def dump_database():
    rows = [repr(row) for model in apps.get_models(include_auto_created=True) for row in model._base_manager.values_list()]
    return "\n".join([*rows, *(json.dumps(session.get_decoded()) for session in Session.objects.all())])


def measure(versions, reader):
    return [evaluate_version(version, reader=reader) for version in versions]


def test_nothing_of_an_erased_user_is_left(
    shades, flowers, reviews, parcels, second, marked, reviewer, other, superuser, settings
):
    theirs = enter_everywhere(marked, reviewer, other, second)
    update_summaries()
    versions = [shades, flowers, reviews, parcels, second]
    before = measure(versions, superuser)
    assert sum(each.reviewed for each in before) >= 2 and before[0].kappa_n == 2
    client = Client(REMOTE_ADDR=ADDRESS)
    client.force_login(marked)
    client.get(reverse("predictions:history"), {"q": MARKER})
    assert MARKER in dump_database() and ADDRESS in dump_database()
    response = client.post(reverse("accounts:erase"), {"password": PASSWORD})
    erasure = Erasure.objects.get()
    assert erasure.completed_at
    assert erasure.counts["predictions.batchjobitem"]
    assert erasure.erased_rows <= erasure.total_rows
    assert "Your account is erased" in client.get(response.url).content.decode()
    dump = dump_database()
    assert [line for line in dump.splitlines() if MARKER in line or ADDRESS in line] == []
    assert str(marked.pk) not in repr(list(Session.objects.values_list()))
    events = json.dumps(build_cloud_events(Event.objects.all()))  # as if none was sent yet
    assert MARKER not in events and str(marked.pk) not in events
    for path in list_stored_files(settings):
        assert MARKER not in path.name and MARKER.encode() not in path.read_bytes()
    assert len(list_stored_files(settings)) == 1  # the image of the other user
    assert measure(versions, superuser) == before
    update_summaries()
    delete_summaries(since=Review.objects.earliest("created_at").created_at)
    roll_up()
    assert measure(versions, superuser) == before
    call_command("verify_store", "--older-than", "0", stdout=io.StringIO())
    check_exports(superuser, theirs)


def check_exports(superuser, theirs):
    """Check the pages, the API, and exports after an erasure: they show placeholders, and the data of others."""
    client = Client()
    client.force_login(superuser)
    row = Prediction.objects.exclude(user=theirs.user).filter(status="succeeded", input__kind="image").first()
    assert "removed, because its user was erased" in client.get(row.get_absolute_url()).content.decode()
    assert "no stored data" in client.get(reverse("predictions:history")).content.decode()
    problem = client.get(reverse("api:input-image", args=[row.input_id]))
    assert (problem.status_code, problem.json()["code"]) == (410, "data-removed")
    assert client.get(reverse("predictions:thumbnail", args=[row.input_id])).status_code == 410
    assert client.get(reverse("api:prediction-detail", args=[row.pk])).json()["input"]["image_url"] is None
    assert client.post(reverse("api:prediction-reviews", args=[row.pk]), {"verdict": "correct"}).status_code in (403, 409)
    for erased in Prediction.objects.filter(user=None).select_related("input"):
        names = ("admin:predictions_prediction_change", erased.pk), ("admin:predictions_input_change", erased.input_id)
        for name, pk in names:
            assert client.get(reverse(name, args=[pk])).status_code == 200
        assert client.get(erased.get_absolute_url()).status_code == 200
        assert client.get(reverse("api:input-detail", args=[erased.input_id])).status_code == 200
    for address in ("/operations/", "/models/shades/", "/models/shades/evaluation/", "/predictions/?view=gallery"):
        assert client.get(address).status_code == 200, address
    assert client.get(reverse("api:prediction-list")).status_code == 200
    export = b"".join(client.get(reverse("api:prediction-export"), {"format": "csv"}).streaming_content)
    assert MARKER.encode() not in export and str(theirs.pk).encode() in export


def test_an_interrupted_erasure_continues(shades, user, monkeypatch, settings):
    monkeypatch.setattr(erasure, "INPUTS_PER_TRANSACTION", 2)
    for number in range(5):
        make_prediction(user, make_image(number))
    request = start_erasure(user=user)
    with monkeypatch.context() as patch:
        patch.setattr(erasure, "freeze_summaries", fail_after(2, erasure.freeze_summaries))
        with pytest.raises(KeyboardInterrupt):
            resume_erasures()
    request.refresh_from_db()
    assert (request.completed_at, request.erased_rows) == (None, 4)
    assert (Input.objects.filter(user=user).count(), RemovedFile.objects.count()) == (1, 8)
    resume_erasures()
    assert Input.objects.filter(user=user).exists()  # the lease of the lost process has not ended
    Erasure.objects.update(leased_until=None)
    resume_erasures()
    assert not list_stored_files(settings) and not RemovedFile.objects.exists()
    assert not User.objects.filter(pk=user.pk).exists()


def fail_after(count, function):
    """Return a function that is interrupted when it has been called a number of times."""
    calls = iter(range(count))

    def call(**options):
        if next(calls, None) is None:
            raise KeyboardInterrupt
        return function(**options)

    return call


def test_each_app_registers_what_it_erases():
    assert {eraser.name.partition(".")[0] for eraser in ERASERS} >= {
        "admin", "accounts", "predictions", "evaluation", "monitoring",
    }  # fmt: skip
    assert Path(__file__).with_name("erasure_fields.py").exists()


def test_comparisons_leave_erased_inputs_out(shades, second, user, other, superuser):
    for person, shade in ((user, 0), (other, 127)):
        prediction = make_prediction(person, make_image(shade))
        predict_with_version(prediction=prediction, version=second, user=person)
        review_prediction(prediction=prediction, reviewer=person, verdict="correct")
    assert compare_versions(shades, second, reader=superuser).n == 2
    call_command("remove_user", user.username, "--erase", "--yes")
    assert compare_versions(shades, second, reader=superuser).n == 1
