"""Show stored errors and warnings in the language of the page. They are stored in English, which the API returns."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from django.utils.translation import get_language, gettext, gettext_noop

from core.formatting import format_count
from inference.errors import InvalidFeatures, InvalidInput
from inference.messages import clean_name
from inference.signature import Feature
from predictions.input_errors import TEXTS, describe_error, describe_row_error
from predictions.models import Prediction

TEMPLATES = (
    gettext_noop("The archive has no image %(name)s."),
    gettext_noop("Expected %(count)s values, as in the header. Received: %(received)s."),
    gettext_noop("%(model)s cannot be loaded."),
    gettext_noop("%(model)s did not respond within %(seconds)s seconds."),
    gettext_noop("The artifact of %(model)s differs from the registered file."),
    gettext_noop("The artifact of %(model)s cannot be read."),
    gettext_noop("%(model)s does not respond to its sample input."),
    gettext_noop("The file of the batch job has changed on the server: its last %(count)s items are missing."),
    gettext_noop("%(problem)s Retry the job later."),
    gettext_noop("The worker that ran the prediction was lost %(count)s times."),
    gettext_noop("A worker stopped %(attempts)s times after %(count)s items, without progress."),
    gettext_noop("A worker stopped %(attempts)s times after %(count)s inputs, without progress."),
    gettext_noop("The prediction did not start before its deadline (expires_in)."),
    gettext_noop("The uploaded file is missing on the server."),
    gettext_noop("Canceled, because the account of the user is not active."),
    gettext_noop("The prediction was removed by the retention policy."),
)
"""Stored messages. Their values are found in the text, so that a page can translate the sentence around them."""

WARNINGS = (
    gettext_noop(
        "The values of this 16-bit image use less than an eighth of their range, so the model sees little contrast. "
        "If the values have fewer bits, such as 12, register the model with bits = 12."
    ),
    gettext_noop(
        "No ink was found in this image, so the model saw the whole image. Write one digit with a dark pen on light "
        "paper, and take the photo from closer up."
    ),
    gettext_noop("After preprocessing, all pixels of this image are equal or nearly equal. The model saw an empty image."),
)
"""The messages of warnings, which are stored too."""

COUNT = re.compile(r"\d{1,3}(?:,\d{3})*")


def compile_template(template: str) -> re.Pattern[str]:
    """Return a pattern that matches a message with any values, and names them."""
    parts = re.split(r"%\((\w+)\)s", template)
    names = [f"(?P<{part}>.+?)" if index % 2 else re.escape(part) for index, part in enumerate(parts)]
    return re.compile("".join(names), re.DOTALL)


PATTERNS = tuple((template, compile_template(template)) for template in TEMPLATES)


def translate_stored_error(message: str, *, code: str = "", features: Iterable[Feature] = ()) -> str:
    """Return a stored error in the current language, or as it is stored if it has no translation.

    Args:
        code: of the error.
        features: of the model, for an error that names some of them.
    """
    if not message or (get_language() or "en").startswith("en"):
        return message
    if (text := gettext(message)) != message:
        return text
    for template, pattern in PATTERNS:
        if match := pattern.fullmatch(message):
            return gettext(template) % {name: _translate_value(name, text) for name, text in match.groupdict().items()}
    if code in TEXTS:
        return describe_error(InvalidInput(message, code=code))
    named = [feature for feature in features if re.search(rf"(?:^|\s){re.escape(clean_name(feature.name))}: ", message)]
    problems = [InvalidInput(message, field=feature.name) for feature in named]
    return describe_row_error(InvalidFeatures(problems), named) if problems else message


def _translate_value(name: str, text: str) -> str:
    """Return a value in a message: a message itself, a count such as `1,000`, or another text, which stays as it is."""
    if name == "problem":
        return gettext(text)
    return format_count(int(text.replace(",", ""))) if COUNT.fullmatch(text) else text


def describe_prediction_error(prediction: Prediction) -> str:
    """Return why a prediction failed or was canceled; empty if it was not."""
    return translate_stored_error(prediction.error_message, code=prediction.error_code)


def describe_row_item_error(name: str, message: str, *, code: str = "", features: Iterable[Feature] = ()) -> str:
    """Return why a row of a batch job was not accepted, with its line.

    Args:
        name: of the item, such as `Line 4` or `Line 4, a.png`.
        message: as stored, after the name.
    """
    if not message.startswith(f"{name}: "):
        return translate_stored_error(message, code=code, features=features)
    problem = translate_stored_error(message.removeprefix(f"{name}: "), code=code, features=features)
    return gettext("Line %(line)s: %(problem)s") % {"line": name.removeprefix("Line "), "problem": problem}


def describe_warning(warning: Mapping[str, str]) -> str:
    """Return the message of a stored warning."""
    return translate_stored_error(warning["message"])
