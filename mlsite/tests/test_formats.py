"""Any model can be served, and every answer names the version that gave it; what proves it is proved to notice a breach."""

import importlib.util
from dataclasses import replace
from math import inf

import numpy as np
import pytest

from core.tests.requirements import require
from mlsite.tests.conftest import new_database
from mlsite.tests.formats import FORMATS, MLFLOW
from mlsite.tests.promotions import SUMS, Asked, Load, Promotion, features_of, load
from mlsite.tests.serving import TOLERANCE, differences, make, running_site, serve

pytestmark = [pytest.mark.site, pytest.mark.xdist_group("formats")]
REQUESTS = 600


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """Return a running site of this module's own, and a token of it."""
    folder = tmp_path_factory.mktemp("formats")
    with running_site(folder, new_database(folder)) as site:
        yield site, site.token()


def check(served, one, folder):
    found = serve(*served, make(one, folder))
    assert found.faults == []
    assert found.difference <= TOLERANCE
    assert found.task.endswith("classification" if one.labels else "regression")


@pytest.mark.once
@pytest.mark.parametrize("one", [one for one in FORMATS if one is not MLFLOW], ids=str)
def test_a_model_of_this_format_answers_as_its_own_library_does(served, tmp_path, one):
    check(served, one, tmp_path)


@pytest.mark.once
@pytest.mark.filterwarnings("ignore")  # MLflow warns of its own code when it is imported
def test_an_mlflow_model_answers_as_mlflow_does(served, tmp_path):
    require("mlflow", importlib.util.find_spec("mlflow"))
    check(served, MLFLOW, tmp_path)


def test_every_answer_names_its_version_while_production_moves_to_and_fro(served, tmp_path):
    moved = load(*served, tmp_path, count=REQUESTS)
    assert {name: count for name, count in moved.faults().items() if count} == {}, moved.errors[:5]
    assert len(moved.answers) == len(moved.rows) == REQUESTS
    assert len(moved.promotions) > 2
    assert moved.certain() > REQUESTS / 6


def answer(number, version, *, sent=0.0, value=None, **changed):
    """Return an answered request as it should be, but for what is given."""
    features = features_of(number)
    body = {
        "id": f"id-{number}",
        "model": SUMS,
        "model_version": version,
        "value": version * sum(features.values()) if value is None else value,
        "input": {"features": features},
        "client_reference": str(number),
    }
    return Asked(number, SUMS, sent, sent + 0.1, 1, body | changed)


MOVES = [Promotion(1, -inf, -inf), Promotion(2, 10.0, 11.0), Promotion(1, 20.0, 21.0)]
RIGHT = [answer(0, 1, sent=5), answer(1, 2, sent=15), answer(2, 1, sent=25), answer(3, 1, sent=10.5)]


def faults_of(answers, *, rows=None, promotions=MOVES):
    moved = Load(len(answers), 1, answers, [], promotions, [one.body for one in answers] if rows is None else rows)
    return {name for name, count in moved.faults().items() if count}


def test_what_is_right_is_no_fault():
    assert faults_of(RIGHT) == set()
    assert faults_of([*RIGHT, answer(4, 2, sent=10.5), answer(5, 2, sent=9.95)]) == set()


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (answer(9, 1, sent=15), "answers by a version not asked for"),  # sent after the promotion was done
        (answer(9, 2, sent=5), "answers by a version not asked for"),  # before anybody had promoted it
        (answer(9, 2, sent=22), "answers by a version not asked for"),  # after the way back
        (replace(answer(9, 2, sent=15), reference=f"{SUMS}:1"), "answers by a version not asked for"),
        (answer(9, 1, sent=5, value=2 * 19.0), "mix-ups in answers"),  # the other version's value
        (answer(9, 1, sent=5, value=21.0), "mix-ups in answers"),  # the next request's value
        (answer(9, 1, sent=5, client_reference="8"), "mix-ups in answers"),
        (answer(9, 1, sent=5, input={"features": features_of(8)}), "mix-ups in answers"),
        (answer(9, 1, sent=5, model="digits"), "mix-ups in answers"),
    ],
)
def test_a_stale_or_mixed_up_answer_is_a_fault(wrong, fault):
    assert fault in faults_of([*RIGHT, wrong])


def test_a_row_that_is_not_as_answered_is_a_fault():
    bodies = [one.body for one in RIGHT]
    other_version = bodies[0] | {"model_version": 2}
    assert faults_of(RIGHT, rows=[other_version, *bodies[1:]]) == {"mix-ups in stored rows", "answers not stored as given"}
    assert faults_of(RIGHT, rows=bodies[1:]) == {"answers not stored as given", "requests stored twice or never"}
    assert faults_of(RIGHT, rows=[*bodies, bodies[0]]) == {"requests stored twice or never"}


def test_a_worker_or_a_version_that_did_not_take_part_is_a_fault():
    lazy = [MOVES[0], replace(MOVES[1], followed=False), MOVES[2]]
    assert faults_of(RIGHT, promotions=lazy) == {"promotions that a worker did not follow"}
    assert faults_of([RIGHT[0], RIGHT[2]]) == {"versions that never answered"}


def test_another_label_or_score_than_the_librarys_is_told():
    own = np.array([[0.2, 0.8]])
    right = {"label": "b", "value": None, "output": {"scores": {"b": 0.8, "a": 0.2}}}
    assert max(differences([right], own, ["a", "b"])) == 0
    assert max(differences([right | {"label": "a"}], own, ["a", "b"])) == inf
    assert max(differences([right | {"output": {"scores": {"b": 0.8}}}], own, ["a", "b"])) == inf
    swapped = {"scores": {"b": 0.2, "a": 0.8}}
    assert max(differences([right | {"output": swapped}], own, ["a", "b"])) == pytest.approx(0.6)
    assert max(differences([{"value": 1.5}], np.array([1.0]), [])) == 0.5
    assert max(differences([{"value": None}], np.array([1.0]), [])) == inf
