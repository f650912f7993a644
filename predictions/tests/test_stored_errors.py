"""Stored errors, in the language of the page."""

import numpy as np
import pytest
from django.template.loader import render_to_string
from django.utils import translation
from PIL import Image

from inference.preprocessing.arrays import NO_INK_KEY
from inference.preprocessing.contrast import find_image_warnings
from inference.signature import Feature, ImageInput
from predictions.batch_jobs.presentation import list_failures
from predictions.batch_jobs.result_table import build_results_table
from predictions.models import Prediction
from predictions.stored_errors import WARNINGS, describe_row_item_error, translate_stored_error
from predictions.tests.batch_jobs import HEADER, make_job, run_job

FEATURES = (Feature(name="length", min=0.5, max=10.0, unit="cm"), Feature(name="width", min=1.0, max=2.0))
RANGE = 'length: Expected a number from 0.5 to 10 cm, such as 3. Received: "abc".'


@pytest.mark.parametrize(
    ("message", "code", "text"),
    [
        ("The account of the user is not active.", "", "Das Konto des Benutzers ist nicht aktiv."),
        ("The archive has no image a b.png.", "missing-image", "Das Archiv enthält kein Bild a b.png."),
        ("Expected 1,000 values, as in the header. Received: 2.", "wrong-count", "Erwartet: 1.000 Werte"),
        ("Too large (11 MB).", "file-too-large", "Die Datei ist zu groß. Das Limit ist 10 MB."),
        (RANGE, "wrong-type", "length: erwartet wird Zahl, 0,5 bis 10 cm."),
        (f"{RANGE} width: Missing.", "invalid-features", "length: erwartet wird Zahl, 0,5 bis 10 cm. width: "),
        ("The model raised ValueError.", "model-failed", "The model raised ValueError."),
        ("", "", ""),
    ],
)
def test_errors_are_translated_on_pages(message, code, text):
    assert translate_stored_error(message, code=code, features=FEATURES) == message
    with translation.override("de"):
        assert translate_stored_error(message, code=code, features=FEATURES).startswith(text)


def test_all_warnings_about_images_are_marked_for_translation():
    image = Image.new("I;16", (8, 8))
    image.info[NO_INK_KEY] = True
    signature = ImageInput(height=8, width=8, channels=1, scale="unit")
    found = find_image_warnings(image, np.zeros((8, 8, 1), np.float32), signature)
    assert {warning.message for warning in found} == set(WARNINGS)
    assert len(found) == 3


def test_warnings_are_translated_on_pages():
    prediction = Prediction(warnings=[{"code": "test", "message": "The account of the user is not active."}])
    with translation.override("de"):
        html = render_to_string("predictions/_warnings.html", {"prediction": prediction})
    assert "Das Konto des Benutzers ist nicht aktiv." in html


def test_errors_of_rows_keep_their_line():
    stored = "Line 4, a.png: The archive has no image a.png."
    assert describe_row_item_error("Line 4, a.png", stored) == stored
    with translation.override("es"):
        assert describe_row_item_error("Line 4, a.png", stored).startswith("Línea 4, a.png: ")


@pytest.mark.django_db
def test_the_results_of_a_batch_job_have_no_english_errors(flowers, user):
    job = run_job(make_job(user, f"{HEADER}1,2,white\nabc,2,white\n"))
    with translation.override("de"):
        [failure] = list_failures(job)
        errors = [row.error for row in build_results_table(job).page if row.error]
    assert (failure.name, "Expected" in failure.message) == ("3", False)
    assert [error.startswith("Zeile 3: length: erwartet wird ") for error in errors] == [True]
