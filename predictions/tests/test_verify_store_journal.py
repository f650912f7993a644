"""`verify_store` with a journal: each mutation of the store after an acknowledgment is found."""

import json
import os
from pathlib import Path

import pytest
from uuid_utils.compat import uuid7

from core.tests.commands import run_command
from predictions.models import Input, Prediction
from predictions.services import storage
from predictions.services.prediction_events import record_prediction_events
from predictions.tests.factories import allow_changes
from predictions.tests.journals import Recorder, find_breaches

pytestmark = pytest.mark.django_db


@pytest.fixture
def recorder(shades, user, api, tmp_path):
    user.username = "user"
    user.save()
    return Recorder(api, tmp_path / "journal.jsonl")


def test_what_was_acknowledged_is_found(recorder):
    for seed in range(3):
        recorder.send(seed)
    recorder.write(type="fail", reference="never stored", status=400)
    recorder.write(type="info", reference="reference-0", error="reset")
    recorder.write(type="info", reference="lost", error="reset")
    with recorder.path.open("a") as file:
        file.write('{"type": "ok", "refer')  # the client was killed
    out, _, error = run_command("verify_store", "--journal", recorder.path)
    assert error is None
    assert "journal ok: 3\n" in out and "No breach found." in out


def delete_prediction(row):
    with allow_changes():
        Prediction.objects.filter(pk=row.pk).delete()
    return ["I1", "I5"]


def delete_both_rows(row):
    delete_prediction(row)
    Input.objects.filter(pk=row.input_id).delete()
    return ["I1", "I6"]


def save_copy(row):
    row.save(force_insert=True)
    record_prediction_events(prediction_ids=[row.pk])


def double_prediction(row):
    row.pk, row._state.adding = uuid7(), True
    save_copy(row)
    return ["I1"]


def double_both_rows(row):
    stored = row.input
    path = Path(stored.image.path)
    stored.pk = uuid7()
    stored.image = f"inputs/{stored.pk.hex[-2:]}/{stored.pk}.png"
    target = Path(stored.image.path)
    target.parent.mkdir(exist_ok=True)
    target.write_bytes(path.read_bytes())
    stored.save(force_insert=True)
    row.pk, row.input = uuid7(), stored
    save_copy(row)
    return ["I1"]


def share_input(row):
    row.client_reference = ""
    return double_prediction(row)


def store_content_again(row):
    row.client_reference = ""
    return double_both_rows(row)


def flip_bit(row):
    path = Path(row.input.image.path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return ["I2"]


def swap_files(row):
    other = Prediction.objects.exclude(pk=row.pk).select_related("input").first()
    paths = [Path(item.input.image.path) for item in (row, other)]
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)
    return ["I2"]


def cut_file(row):
    os.truncate(row.input.image.path, 10)
    return ["I2"]


def remove_file(row):
    os.unlink(row.input.image.path)
    return ["I2"]


def change_label(row):
    with allow_changes():
        Prediction.objects.filter(pk=row.pk).update(label="other")
    return ["I1", "I13"]


def change_user(row):
    with allow_changes():
        Prediction.objects.filter(pk=row.pk).update(user=None)
    return ["I1"]


def change_latency(row):
    with allow_changes():
        Prediction.objects.filter(pk=row.pk).update(decode_ms=31_000, inference_ms=30_000)
    return ["I8"]


def change_latency_below_zero(row):
    with allow_changes():
        Prediction.objects.filter(pk=row.pk).update(queue_ms=-1)
    return ["I8"]


MUTATIONS = [
    delete_prediction, delete_both_rows, double_prediction, double_both_rows, share_input, store_content_again, flip_bit,
    swap_files, cut_file, remove_file, change_label, change_user, change_latency, change_latency_below_zero,
]  # fmt: skip


@pytest.mark.parametrize("mutate", MUTATIONS)
def test_each_mutation_of_the_store_is_found(recorder, mutate):
    rows = [recorder.send(seed) for seed in range(2)]
    expected = mutate(rows[0])
    assert find_breaches(recorder.path) == expected
    out, _, error = run_command("verify_store", "--journal", recorder.path, "--json")
    assert error.endswith("breaches found.")
    breaches = json.loads(out)["breaches"]
    assert {breach["invariant"] for breach in breaches} == set(expected)
    assert all(breach["message"] and (breach.get("id") or breach.get("reference")) for breach in breaches)


def test_a_response_before_the_commit_is_found(recorder, monkeypatch):
    monkeypatch.setattr(storage, "insert_predictions", lambda rows: [None] * len(rows))
    recorder.send(1)
    assert find_breaches(recorder.path) == ["I1", "I6"]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"type": "fail", "status": 400}, ["I3"]),
        ({"type": "ok", "model_version": "shades:9"}, ["I1", "I9"]),
        ({"type": "ok", "input": "another"}, ["I1"]),
    ],
    ids=["fail", "version", "input"],
)
def test_an_event_that_contradicts_the_store_is_found(recorder, event, expected):
    recorder.send(1)
    recorder.write(reference="reference-1", **event)
    assert find_breaches(recorder.path) == expected


@pytest.mark.parametrize("types", [["invoke", "info"], ["invoke"]], ids=list)
def test_a_doubled_request_without_an_outcome_is_found(recorder, types):
    row = recorder.send(1)
    recorder.path.unlink()
    for name in types:
        recorder.write(type=name, reference="reference-1")
    assert find_breaches(recorder.path) == []
    double_both_rows(row)
    assert find_breaches(recorder.path) == ["I4"]


def test_an_unreadable_journal_is_an_error(shades, tmp_path):
    path = tmp_path / "journal"
    assert "The journal cannot be read." in run_command("verify_store", "--journal", path)[2]
    path.write_text('{"type": "ok"}\n')
    assert "Line 1 of the journal" in run_command("verify_store", "--journal", path)[2]
