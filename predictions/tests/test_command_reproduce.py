"""The command `reproduce`."""

from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.tests.commands import run_command
from inference.tests.factories import make_noise_image
from predictions.models import Input, Prediction
from predictions.services import predict
from predictions.services.inputs import read_stored_input
from predictions.services.reproduction import pick_random_predictions
from predictions.tests.factories import change_predictions, make_prediction
from registry.models import ModelVersion
from registry.services import register_model
from registry.services.promote import move_alias
from registry.serving import build_pool, lease_predictor
from registry.tests.factories import damage_artifact, get_artifact_path

pytestmark = pytest.mark.django_db
ROW = {"length": 1.25, "petals": 5}


def count_rows():
    return Prediction.objects.count(), Input.objects.count()


def unload_models():
    build_pool().close()
    build_pool.cache_clear()


def test_predictions_are_reproduced_on_their_own_version(shades, flowers, write_rows, user):
    ids = [make_prediction(user, make_noise_image(seed), model="shades").id for seed in range(3)]
    ids += [predict(user=user, source="api", model="flowers", features=ROW).id]
    move_alias(version=register_model(path=write_rows(factor=10)))
    ids += [predict(user=user, source="api", model="flowers", features=ROW).id]
    before = count_rows()
    out, err, error = run_command("reproduce", *ids)
    assert (out, err, error) == ("5 of 5 predictions were reproduced within 1e-05.\n", "", None)
    assert count_rows() == before


def test_each_kind_of_input_is_reproduced(blends, reviews, parcels, user):
    ids = [make_prediction(user, make_noise_image(1), model="blends").id]
    ids += [predict(user=user, source="api", model="reviews", text=text).id for text in ("", "  Größe 🙂\n")]
    image = ContentFile(make_noise_image(2), name="parcel.png")
    parcel = predict(user=user, source="api", model="parcels", image=image, features={"weight": 3})
    out, err, error = run_command("reproduce", *ids, parcel.pk)
    assert (out, err, error) == ("4 of 4 predictions were reproduced within 1e-05.\n", "", None)
    Input.objects.filter(pk=parcel.input_id).update(features={"weight": 4, "express": False})
    assert "or its row of features has changed: its hash differs." in run_command("reproduce", parcel.pk)[1]


@pytest.mark.parametrize("decodes_fully", [False, True])
def test_large_jpeg_is_reproduced_as_it_was_decoded(shades, user, decodes_fully):
    """Images are reduced while they are decoded. Older predictions were made from images at full size."""
    prediction = make_prediction(user, make_noise_image(1, size=(1000, 1100), format="JPEG"), model="shades")
    assert (prediction.input.width, prediction.input.height) == (1100, 1000)
    item = read_stored_input(prediction.input, prediction.model_version, decodes_fully=True)
    assert item.size == (1100, 1000)
    with lease_predictor(prediction.model_version) as predictor:
        full = predictor.predict(item, timeout=10)
    assert full.output != prediction.output
    if decodes_fully:
        change_predictions(Prediction.objects.filter(pk=prediction.pk), output=full.output, confidence=full.confidence)
    assert run_command("reproduce", prediction.pk)[0] == "1 of 1 predictions were reproduced within 1e-05.\n"


def test_a_changed_text_is_named(reviews):
    prediction = predict(user=None, source="api", text="Good")
    Input.objects.filter(pk=prediction.input_id).update(features={"text": "Bad"})
    assert "Cause: the stored text has changed: the hash differs." in run_command("reproduce", prediction.pk)[1]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"value": 7.0}, "value 6.25 instead of 7.0"),
        ({"output": {"value": 7.5}}, "value 6.25 instead of 7.5"),
        ({"value": 6.2501, "output": {"value": 6.2501}}, "value 6.25 instead of 6.2501"),
    ],
)
def test_differences_of_a_value_are_printed(flowers, changes, text):
    prediction = predict(user=None, source="api", features=ROW)
    change_predictions(Prediction.objects.filter(pk=prediction.pk), **changes)
    _, err, error = run_command("reproduce", prediction.pk)
    assert text in err
    assert f"{prediction.pk} (flowers:1)" in err
    assert "Cause: unknown: the artifact, the input, and the library versions are those of the registration." in err
    assert error == "1 of 1 predictions were not reproduced."
    assert run_command("reproduce", prediction.pk, "--tolerance", "0.2")[2] is None


def test_differences_of_labels_and_scores_are_printed(shades, user):
    prediction = make_prediction(user)
    scores = {**prediction.output["scores"], "white": 0.5}
    change_predictions(Prediction.objects.filter(pk=prediction.pk), label="black", output={"scores": scores})
    _, err, _ = run_command("reproduce", prediction.pk)
    assert "label 'white' instead of 'black'; output.scores.white 0.99" in err


def change_library(prediction, settings):
    version = prediction.model_version
    fields = {name: getattr(version, name) for name in ("model", "runtime", "sha256", "size", "signature", "labels")}
    earlier = {"artifact": version.artifact, "libraries": {**version.libraries, "numpy": "1.0", "obsolete": "3"}}
    other = ModelVersion.objects.create(number=9, **fields, **earlier)
    change_predictions(Prediction.objects.filter(pk=prediction.pk), model_version=other, label="black")


def change_image(prediction, settings):
    Path(settings.MEDIA_ROOT, prediction.input.image.name).write_bytes(make_noise_image(3))


def remove_image(prediction, settings):
    Path(settings.MEDIA_ROOT, prediction.input.image.name).unlink()


def change_artifact(prediction, settings):
    unload_models()
    damage_artifact(prediction.model_version)


def remove_artifact(prediction, settings):
    unload_models()
    get_artifact_path(prediction.model_version).unlink()


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        (change_library, "Cause: library versions have changed: numpy 1.0 at registration, "),
        (change_library, "; obsolete 3 at registration, not installed now."),
        (change_image, "has changed: its hash differs."),
        (remove_image, "is missing."),
        (change_artifact, "Cause: The artifact of shades:1 differs from the registered file."),
        (remove_artifact, "Cause: The artifact of shades:1 cannot be read."),
    ],
)
def test_the_cause_is_named(shades, user, settings, change, cause):
    prediction = make_prediction(user)
    change(prediction, settings)
    _, err, error = run_command("reproduce", prediction.pk)
    assert cause in err
    assert error == "1 of 1 predictions were not reproduced."


def test_changed_features_are_named(flowers):
    prediction = predict(user=None, source="api", features=ROW)
    Input.objects.filter(pk=prediction.input_id).update(features={**prediction.input.features, "length": 2})
    assert "Cause: the stored features have changed: the hash differs." in run_command("reproduce", prediction.pk)[1]


def test_failed_predictions_and_unknown_ids_are_not_reproduced(register_failing, user):
    register_failing(nan=True)
    prediction = make_prediction(user, model="failing")
    _, err, error = run_command("reproduce", prediction.pk, "nonsense", "00000000-0000-7000-8000-000000000000")
    assert "there is no output to compare" in err
    assert "Cause: its status is failed." in err
    assert "There is no prediction nonsense." in err
    assert error == "3 of 3 predictions were not reproduced."


def test_a_sample_is_random_and_can_be_restricted(shades, flowers, user):
    for seed in range(6):
        make_prediction(user, make_noise_image(seed), model="shades")
    for length in range(3):
        predict(user=user, source="api", model="flowers", features={**ROW, "length": length})
    assert "4 of 4 predictions" in run_command("reproduce", "--sample", 4)[0]
    assert "9 of 9 predictions" in run_command("reproduce", "--sample", 100)[0]
    for reference in ("flowers", "flowers:1", "flowers@production"):
        assert "3 of 3 predictions" in run_command("reproduce", "--sample", 100, "--model", reference)[0]
    samples = {frozenset(pick_random_predictions([shades], 2)) for _ in range(30)}
    assert len(samples) > 2
    assert {len(sample) for sample in samples} == {2}


def test_a_sample_leaves_out_removed_data(shades, user):
    removed, stored = (make_prediction(user, make_noise_image(seed)) for seed in range(2))
    Input.objects.filter(pk=removed.input_id).update(data_removed_at=timezone.now())
    assert pick_random_predictions([shades], 5) == [stored.pk]
    assert "Cause: the data of the input was removed." in run_command("reproduce", removed.pk)[1]


def test_a_sample_without_predictions_is_no_error(shades):
    assert run_command("reproduce", "--sample", 3) == ("There are no succeeded predictions to compare.\n", "", None)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((), "Expected either IDs of predictions, or --sample N"),
        (("x", "--sample", "3"), "Expected either IDs of predictions, or --sample N"),
        (("--sample", "0"), "Expected a whole number from 1 to 1,000,000,000. Received: '0'"),
        (("--sample", "1", "--tolerance", "inf"), "Expected a number of at least 0. Received: 'inf'"),
        (("--sample", "1", "--model", "nope"), "There is no model named 'nope'."),
        (("--sample", "1", "--model", "No!"), "Expected a model as name"),
        (("--sample", "1", "--model", "shades:7"), "The model shades has no version 7."),
    ],
)
def test_invalid_options_are_reported(shades, arguments, text):
    assert text in run_command("reproduce", *arguments)[2]


def test_a_sample_uses_the_shuffled_index(shades, user):
    make_prediction(user)
    with CaptureQueriesContext(connection) as queries:
        pick_random_predictions([shades], 5)
    assert len(queries) == 2
    if connection.vendor == "sqlite":
        for query in queries:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
                plan = " ".join(row[-1] for row in cursor.fetchall())
            assert "prediction_shuffled" in plan
            assert "TEMP B-TREE" not in plan
