"""Multi-label predictions in the API, on the pages, on the command line, and in snippets."""

import json
import re

import pytest
from django.core.management import call_command
from django.urls import reverse

from inference.tests.factories import make_image
from predictions.models import Prediction
from predictions.presentation import format_output, get_label_scores
from predictions.tests.factories import PREDICTIONS_URL, change_predictions, make_prediction, make_upload

pytestmark = pytest.mark.django_db
DARK, WHITE = make_image(64), make_image(255)


@pytest.fixture
def dark(blends, user):
    """Return a prediction with the labels black and grey."""
    return make_prediction(user, DARK)


def test_api_returns_the_labels_and_all_scores(blends, api):
    body = api.post(PREDICTIONS_URL, {"image": make_upload(DARK)}).json()
    assert (body["labels"], body["label"], body["confidence"]) == (["black", "grey"], None, None)
    assert body["output"]["labels"] == ["black", "grey"]
    assert set(body["output"]["scores"]) == {"black", "grey", "white"}
    assert api.get(PREDICTIONS_URL).json()["results"][0]["labels"] == ["black", "grey"]


def test_labels_are_null_for_other_models(shades, api):
    assert api.post(PREDICTIONS_URL, {"image": make_upload()}).json()["labels"] is None


def test_predicted_labels_come_first_in_the_scores(dark):
    assert [(score.label, score.is_predicted, score.threshold) for score in get_label_scores(dark)] == [
        ("grey", True, 0.3),
        ("black", True, 0.3),
        ("white", False, 0.3),
    ]
    dark.output = {"scores": {"black": 0.2, "grey": 0.4, "white": 0.9}, "labels": ["grey"]}
    assert [score.label for score in get_label_scores(dark)] == ["grey", "white", "black"]


@pytest.mark.parametrize("labels", [["black", "grey"], []])
def test_pages_show_the_labels_and_their_scores(dark, client, user, labels):
    change_predictions(Prediction.objects.filter(pk=dark.pk), output={**dark.output, "labels": labels})
    client.force_login(user)
    detail = client.get(dark.get_absolute_url()).content.decode()
    result = client.get(f"{reverse('predictions:predict')}?model=blends&shown={dark.pk}").content.decode()
    for html in (detail, result):
        assert re.findall(r'<span class="label-chip">([^<]*)</span>', html) == labels
        assert ("No label" in html) == (not labels)
        assert html.count('<tr class="top">') == len(labels)
        assert "confidence" not in html.lower().replace("min_confidence", "")
    assert detail.count("≥ 30.0%") == 3
    history = client.get(reverse("predictions:history")).content.decode()
    assert (", ".join(labels) or "no label") in history


def test_the_history_does_not_suggest_labels_that_its_filter_does_not_find(blends, shades, client, user):
    client.force_login(user)
    assert client.get(reverse("predictions:history")).context["labels"] == shades.labels
    shades.aliases.all().delete()
    assert client.get(reverse("predictions:history")).context["labels"] == []


def test_model_page_describes_the_output(blends, client, user):
    client.force_login(user)
    assert "Any of 3 labels, each with a score of its own" in client.get("/models/blends/").content.decode()


def test_command_prints_the_labels(blends, tmp_path, capsys):
    (tmp_path / "dark.png").write_bytes(DARK)
    call_command("predict", "blends", str(tmp_path / "dark.png"))
    assert "\tblack, grey\t\t" in capsys.readouterr().out
    call_command("predict", "blends", str(tmp_path / "dark.png"), "--json")
    assert json.loads(capsys.readouterr().out)["labels"] == ["black", "grey"]


def test_white_has_one_label(blends, user):
    assert format_output(make_prediction(user, WHITE)) == "white"
