"""Messages of libraries are shortened to their first useful sentence."""

import pytest

from inference.runtimes.keras.messages import explain_load_error
from inference.runtimes.reasons import shorten_reason

FORMULA_ERROR = (
    "predict requires that you use a DataFrame when predicting from a model\nthat was created using the formula api.\n\n"
    "The original error message returned by patsy is:\nPatsyError: value 'x' does not match any of the expected levels\n"
)
GRAPH_ERROR = (
    "Graph execution error:\n\nDetected at node lookup/Assert defined at (most recent call last):\n"
    "<stack traces unavailable>\n"
    "assertion failed: [found OOV values [0]]\n\t [[{{node lookup/Assert}}]] [Op:__inference_call_140]"
)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Expected 3 columns. Received: 2.", "Expected 3 columns."),
        (
            "Exception encountered when calling Dense.call().\n\nShapes differ: 3, 2.\nusing config={'a': 1}",
            "Shapes differ: 3, 2.",
        ),
        (FORMULA_ERROR, "PatsyError: value 'x' does not match any of the expected levels."),
        (GRAPH_ERROR, "assertion failed: [found OOV values [0]]."),
        ("", ""),
    ],
)
def test_reason_is_the_first_useful_sentence(text, reason):
    assert shorten_reason(text) == reason


@pytest.mark.parametrize(
    ("error", "reason"), [(KeyError(0), "KeyError."), (ValueError("The Lambda has no shape."), "The Lambda has no shape.")]
)
def test_file_of_the_installed_keras_that_cannot_be_loaded_is_to_be_exported(error, reason):
    message = explain_load_error(error, name="a.keras", file_version="3.15.0", version="3.15.1")
    assert (
        f"Keras 3.15.1 cannot load a.keras (written by Keras 3.15.0): {reason} If it can be loaded where it was" in message
    )
