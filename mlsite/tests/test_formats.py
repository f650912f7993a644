"""Models of two formats on a running site, and promotions under load. The checks themselves are tested as well."""

from dataclasses import replace
from math import inf

import numpy as np
import pytest

from mlsite.tests.format_checks import TOLERANCE, check_model, compute_differences, train_model
from mlsite.tests.formats import FORMATS
from mlsite.tests.promotion_load import run_load_test
from mlsite.tests.promotions import MODEL, LoadResult, Promotion, Response, build_features
from mlsite.tests.site import create_database, run_site

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("formats")]
REQUEST_COUNT = 600
# An image and a row over HTTP. test_artifact_kinds.py checks all formats without a server.
SERVED_FORMATS = ("colored-digits", "boosted")


@pytest.fixture(scope="module")
def site_and_token(tmp_path_factory):
    """Return a running site for this module, and a token."""
    folder = tmp_path_factory.mktemp("formats")
    with run_site(folder, create_database(folder)) as site:
        yield site, site.create_token()


def assert_predicts_as_library(site_and_token, model_format, folder):
    result = check_model(*site_and_token, train_model(model_format, folder))
    assert result.problems == []
    assert result.max_difference <= TOLERANCE
    assert result.task.endswith("classification" if model_format.labels else "regression")


@pytest.mark.slow
@pytest.mark.once
@pytest.mark.parametrize("model_format", [item for item in FORMATS if item.name in SERVED_FORMATS], ids=str)
def test_predictions_equal_those_of_the_library(site_and_token, tmp_path, model_format):
    assert_predicts_as_library(site_and_token, model_format, tmp_path)


@pytest.mark.slow  # `make faults` runs promotions under load on both databases
@pytest.mark.once
def test_responses_name_the_right_version_during_promotions(site_and_token, tmp_path):
    result = run_load_test(*site_and_token, tmp_path, count=REQUEST_COUNT)
    assert {name: count for name, count in result.count_problems().items() if count} == {}, result.errors[:5]
    assert len(result.responses) == len(result.rows) == result.request_count >= REQUEST_COUNT
    assert len(result.promotions) > 2
    assert result.count_unambiguous() > REQUEST_COUNT / 6


def make_response(number, version, *, sent_at=0.0, value=None, **changes):
    """Return a correct response, with some values of its body replaced."""
    features = build_features(number)
    body = {
        "id": f"id-{number}",
        "model": MODEL,
        "model_version": version,
        "value": version * sum(features.values()) if value is None else value,
        "input": {"features": features},
        "client_reference": str(number),
    }
    return Response(number, MODEL, sent_at, sent_at + 0.1, 1, body | changes)


PROMOTIONS = [Promotion(1, -inf, -inf), Promotion(2, 10.0, 11.0), Promotion(1, 20.0, 21.0)]
CORRECT_RESPONSES = [
    make_response(0, 1, sent_at=5),
    make_response(1, 2, sent_at=15),
    make_response(2, 1, sent_at=25),
    make_response(3, 1, sent_at=10.5),
]


def find_problems(responses, *, rows=None, promotions=PROMOTIONS):
    rows = [response.body for response in responses] if rows is None else rows
    result = LoadResult(len(responses), 1, responses, [], promotions, rows)
    return {name for name, count in result.count_problems().items() if count}


def test_correct_responses_have_no_problems():
    assert find_problems(CORRECT_RESPONSES) == set()
    during_promotion = [make_response(4, 2, sent_at=10.5), make_response(5, 2, sent_at=9.95)]
    assert find_problems([*CORRECT_RESPONSES, *during_promotion]) == set()


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        (make_response(9, 1, sent_at=15), "responses of a wrong version"),  # sent after the promotion was confirmed
        (make_response(9, 2, sent_at=5), "responses of a wrong version"),  # received before the promotion
        (make_response(9, 2, sent_at=22), "responses of a wrong version"),  # sent after the next promotion
        (replace(make_response(9, 2, sent_at=15), reference=f"{MODEL}:1"), "responses of a wrong version"),
        (make_response(9, 1, sent_at=5, value=2 * 19.0), "inconsistent responses"),  # value of the other version
        (make_response(9, 1, sent_at=5, value=21.0), "inconsistent responses"),  # value of the next request
        (make_response(9, 1, sent_at=5, client_reference="8"), "inconsistent responses"),
        (make_response(9, 1, sent_at=5, input={"features": build_features(8)}), "inconsistent responses"),
        (make_response(9, 1, sent_at=5, model="digits"), "inconsistent responses"),
    ],
)
def test_outdated_and_inconsistent_responses_are_problems(response, problem):
    assert problem in find_problems([*CORRECT_RESPONSES, response])


def test_rows_that_differ_from_the_response_are_problems():
    bodies = [response.body for response in CORRECT_RESPONSES]
    changed = bodies[0] | {"model_version": 2}
    differs, count = "responses that differ from the row", "requests not stored exactly once"
    assert find_problems(CORRECT_RESPONSES, rows=[changed, *bodies[1:]]) == {"inconsistent rows", differs}
    assert find_problems(CORRECT_RESPONSES, rows=bodies[1:]) == {differs, count}
    assert find_problems(CORRECT_RESPONSES, rows=[*bodies, bodies[0]]) == {count}


def test_workers_and_versions_without_a_response_are_problems():
    promotions = [PROMOTIONS[0], replace(PROMOTIONS[1], reached_all_workers=False), PROMOTIONS[2]]
    assert find_problems(CORRECT_RESPONSES, promotions=promotions) == {"promotions that did not reach all workers"}
    assert find_problems([CORRECT_RESPONSES[0], CORRECT_RESPONSES[2]]) == {"versions without a response"}


def test_differences_from_the_library_are_computed():
    expected = np.array([[0.2, 0.8]])
    prediction = {"label": "b", "value": None, "output": {"scores": {"b": 0.8, "a": 0.2}}}
    assert max(compute_differences([prediction], expected, ["a", "b"])) == 0
    assert max(compute_differences([prediction | {"label": "a"}], expected, ["a", "b"])) == inf
    assert max(compute_differences([prediction | {"output": {"scores": {"b": 0.8}}}], expected, ["a", "b"])) == inf
    swapped = {"scores": {"b": 0.2, "a": 0.8}}
    assert max(compute_differences([prediction | {"output": swapped}], expected, ["a", "b"])) == pytest.approx(0.6)
    assert max(compute_differences([{"value": 1.5}], np.array([1.0]), [])) == 0.5
    assert max(compute_differences([{"value": None}], np.array([1.0]), [])) == inf
