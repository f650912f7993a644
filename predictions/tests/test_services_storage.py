"""Store predictions: the same values as the ORM, one transaction for many requests, and failures of single rows."""

import random
import threading
import uuid
from pathlib import Path

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import InMemoryStorage
from django.db import IntegrityError, OperationalError, connection, connections, transaction
from django.db.models.signals import post_save, pre_save
from django.utils import timezone

from core.group_commit import GroupCommit
from core.tests.waiting import wait_until
from inference.tests.factories import make_noise_image
from predictions.models import Input, Prediction
from predictions.services import storage
from predictions.services.inputs import PreparedInput
from predictions.services.inserts import insert_predictions
from predictions.services.storage import store_prediction
from predictions.tests.factories import list_stored_files


def build_prediction(version, user, **fields):
    """Return an unsaved prediction of an image, with a file name but without a file."""
    row = Input(user=user, kind=Input.Kind.IMAGE, image="inputs/ab/x.png", sha256="0" * 64, content_type="image/png", size=1)
    now = timezone.now()
    values = {"status": Prediction.Status.SUCCEEDED, "source": Prediction.Source.API, "output": {}, "completed_at": now}
    return Prediction(**{"input": row, "model_version": version, "user": user, **values, **fields})


def build_full_prediction(version, user):
    """Return an unsaved prediction in which no field is empty, except the errors, with unusual texts and numbers."""
    text = "Größe \\ 'x' \"y\" %s {0} \u2028 🙂"
    prediction = build_prediction(
        version,
        user,
        output={"scores": {text: 1e-320, "b": 0.1 + 0.2, "c": None}},
        label=text,
        confidence=1 / 3,
        margin=-1e-17,
        value=1.7976931348623157e308,
        warnings=[{"code": "a", "message": text}],
        queue_ms=0,
        decode_ms=1.5,
        preprocess_ms=0.125,
        inference_ms=3,
        client_reference=text,
        started_at=timezone.now(),
    )
    values = {"kind": "image-tabular", "features": {text: [1, True, None]}, "width": 5, "height": 2**31 - 1, "size": 2**40}
    for name, value in {**values, "original_name": text, "data_removed_at": timezone.now()}.items():
        setattr(prediction.input, name, value)
    return prediction


def build_failed_prediction(version, user):
    """Return an unsaved prediction in which all fields are empty that can be empty, except the errors."""
    prediction = build_prediction(version, None, status="failed", output=None, error_code="a", error_message="it's\nb")
    prediction.input.user = None
    return prediction


def read_columns(row):
    """Return the stored text and type of each column of a row."""
    kind = "typeof" if connection.vendor == "sqlite" else "pg_typeof"
    columns = [field.column for field in row._meta.concrete_fields]
    expressions = ", ".join(f'CAST("{column}" AS text), CAST({kind}("{column}") AS text)' for column in columns)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {expressions} FROM {row._meta.db_table}")
        (values,) = cursor.fetchall()
    return dict(zip(columns, zip(values[::2], values[1::2], strict=True), strict=True))


@pytest.mark.django_db
@pytest.mark.parametrize("build", [build_full_prediction, build_failed_prediction])
def test_each_field_is_stored_as_save_stores_it(shades, user, build):
    prediction = build(shades, user)
    rows = prediction.input, prediction
    for row in rows:
        row.save(force_insert=True)
    expected = [read_columns(row) for row in rows]
    for row in reversed(rows):
        type(row).objects.all().delete()
    prediction.id, prediction.input.id = (uuid.UUID(expected[n]["id"][0]) for n in (1, 0))
    prediction._state.adding = prediction.input._state.adding = True
    assert insert_predictions([prediction]) == [None]
    assert [read_columns(row) for row in rows] == expected
    loaded = Prediction.objects.select_related("input").get()
    for row, other in ((prediction, loaded), (prediction.input, loaded.input)):
        assert not row._state.adding
        assert {f.name: getattr(row, f.name) for f in row._meta.fields} == {
            f.name: getattr(other, f.name) for f in row._meta.fields
        }


def test_the_comparison_with_save_covers_all_fields(shades, user):
    """A new field must get a value in `build_full_prediction`."""
    prediction = build_full_prediction(shades, user)
    rows = prediction.input, prediction
    empty = {field.name for row in rows for field in row._meta.concrete_fields if not getattr(row, field.attname)}
    assert empty == {"queue_ms", "error_code", "error_message"}


@pytest.mark.once
def test_no_receiver_waits_for_inputs_or_predictions():
    """`store_prediction` sends no signals."""
    assert [s for s in (pre_save, post_save) for model in (Input, Prediction) if s.has_listeners(model)] == []


@pytest.mark.django_db
@pytest.mark.parametrize("invalid", [{"confidence": 2}, {"output": {"a": object()}}, {"value": "no number"}], ids=list)
def test_an_invalid_row_fails_alone(shades, user, invalid):
    predictions = [build_prediction(shades, user, **fields) for fields in ({}, invalid, {})]
    failures = insert_predictions(predictions)
    assert [failure is None for failure in failures] == [True, False, True]
    assert failures[1].is_definite
    assert set(Prediction.objects.all()) == {predictions[0], predictions[2]}
    assert Input.objects.count() == 2


def store_and_record(prediction, data, outcomes):
    """Store an image in a thread and append the prediction and the error, which may be None, to the outcomes."""
    error = None
    prediction.input.image = ""
    try:
        store_prediction(prediction, PreparedInput(prediction.input, None, data))
    except IntegrityError as caught:
        error = caught
    finally:
        connections.close_all()
    outcomes.append((prediction, error))


@pytest.mark.django_db(transaction=True)
def test_many_threads_store_together_and_only_invalid_rows_fail(shades, user, settings, monkeypatch):
    """The main thread keeps all threads waiting for the database, so that they form groups."""
    choices, outcomes, sizes = random.Random(1), [], []

    def insert_and_count(predictions):
        sizes.append(len(predictions))
        return insert_predictions(predictions)

    monkeypatch.setattr(storage, "_group", GroupCommit(insert_and_count, max_items=8))
    invalid_fields = [{"confidence": 2}, {"status": "failed"}, {"user_id": uuid.uuid4()}]  # the last one fails at COMMIT
    plans = [choices.choice(invalid_fields) if choices.random() < 0.2 else {} for _ in range(64)]
    images = {build_prediction(shades, user, **plan): make_noise_image(number) for number, plan in enumerate(plans)}
    threads = [threading.Thread(target=store_and_record, args=(*pair, outcomes)) for pair in images.items()]
    with transaction.atomic():
        if connection.vendor == "postgresql":
            connection.cursor().execute("LOCK TABLE predictions_input")
        for thread in threads:
            thread.start()
        wait_until(lambda: len(list_stored_files(settings)) == len(threads))
    for thread in threads:
        thread.join(60)
    stored = [prediction for prediction, error in outcomes if error is None]
    assert len(outcomes) == len(threads)
    assert len(stored) == plans.count({})
    assert set(Prediction.objects.all()) == set(stored)
    assert Input.objects.count() == len(stored)
    files = {prediction: Path(prediction.input.image.path) for prediction in stored}
    assert set(files.values()) == set(list_stored_files(settings))
    assert all(path.read_bytes() == images[prediction] for prediction, path in files.items())
    assert max(sizes) == 8


@pytest.fixture
def lose_connections(transactional_db):
    """Return a function that makes the database end the sessions of the next inserts of predictions."""
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose")

    def lose(count):
        with connection.cursor() as cursor:
            cursor.execute("CREATE SEQUENCE attempts")
            cursor.execute(
                "CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF nextval('attempts') <= {count} THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF; "
                "RETURN NEW; END $$"
            )
            cursor.execute(
                "CREATE TRIGGER lose BEFORE INSERT ON predictions_prediction FOR EACH ROW EXECUTE FUNCTION lose()"
            )

    yield lose
    connection.close()
    with connection.cursor() as cursor:
        cursor.execute("DROP FUNCTION lose CASCADE; DROP SEQUENCE attempts")


def test_a_lost_connection_is_opened_again(lose_connections, shades, user):
    lose_connections(1)
    prediction = build_prediction(shades, user)
    store_prediction(prediction, PreparedInput(prediction.input, None))
    assert Prediction.objects.get() == prediction


def test_a_lost_connection_keeps_the_file(lose_connections, shades, user, settings):
    """The database may have committed before the connection was lost. A row must never be without its file."""
    lose_connections(2)
    prediction = build_prediction(shades, user)
    with pytest.raises(OperationalError):
        store_prediction(prediction, PreparedInput(prediction.input, None, b"x"))
    assert len(list_stored_files(settings)) == 1
    connection.close()
    assert not Prediction.objects.exists()


@pytest.mark.django_db
def test_a_retry_stores_only_what_the_first_attempt_did_not_store(shades, user):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no connection to lose")
    first, second = build_prediction(shades, user), build_prediction(shades, user)
    assert insert_predictions([first]) == [None]
    assert insert_predictions([first, second], is_retry=True) == [None, None]
    assert set(Prediction.objects.all()) == {first, second}
    assert Input.objects.count() == 2
    assert isinstance(insert_predictions([first])[0].error, IntegrityError)


@pytest.mark.django_db
@pytest.mark.parametrize("fields", [{"client_reference": "x" * 256}, {"input": Input(original_name="x" * 256)}], ids=list)
def test_a_text_that_is_too_long_is_an_error_on_each_database(shades, user, settings, fields):
    prediction = build_prediction(shades, user, **fields)
    with pytest.raises(ValidationError):
        store_prediction(prediction, PreparedInput(prediction.input, None, b"x"))
    assert not list_stored_files(settings)
    assert not Prediction.objects.exists()


@pytest.mark.django_db
def test_a_caller_with_an_open_transaction_writes_alone(shades, user, monkeypatch):
    """In a group, it would write the rows of other callers in its transaction, which may be rolled back."""
    written = []
    monkeypatch.setattr(storage, "_group", GroupCommit(written.extend))
    prediction = build_prediction(shades, user)
    store_prediction(prediction, PreparedInput(prediction.input, None))
    assert Prediction.objects.get() == prediction
    assert not written


@pytest.mark.django_db
def test_another_storage_stores_the_file(shades, user, monkeypatch):
    monkeypatch.setattr(Input._meta.get_field("image"), "storage", InMemoryStorage())
    prediction = build_prediction(shades, user)
    store_prediction(prediction, PreparedInput(prediction.input, None, b"x"))
    assert Prediction.objects.get().input.image.read() == b"x"
