"""Promotion, rolling back, and what happens to artifacts that are not the registered ones."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from inference.errors import ArtifactMismatch, ModelUnavailable
from predictions.services import predict
from registry.integrity import find_artifact_problem, find_damaged_versions
from registry.models import AliasChange
from registry.references import resolve_version
from registry.services import promote_model, register_model
from registry.services.promote import move_alias
from registry.serving import get_pool, get_spec

pytestmark = pytest.mark.django_db
ROW = {"length": 4.0, "petals": 5}


@pytest.fixture
def two(write_rows):
    """Return two versions, told apart by their answers: 9 and 90. The first is in production."""
    return register_model(path=write_rows(factor=1), promote=True), register_model(path=write_rows(factor=10))


def ask(user, model="flowers"):
    return predict(user=user, source="api", features=ROW, model=model)


def corrupt(version, settings, text="{"):
    Path(settings.MODEL_ROOT, version.artifact).write_text(text)


def test_requests_follow_the_alias_there_and_back(two, user):
    seen = [ask(user)]
    for number in (2, 1):
        promote_model(name="flowers", number=number, user=user)
        seen.append(ask(user))
    assert [(one.value, one.model_version.number) for one in seen] == [(9, 1), (90, 2), (9, 1)]
    promote_model(name="flowers", number=2, alias="staging", user=user)
    answers = [ask(user, model) for model in ("flowers", "flowers@staging", "flowers:2", "flowers@production", "flowers:1")]
    assert [one.value for one in answers] == [9, 90, 90, 9, 9]
    moves = AliasChange.objects.order_by("id").values_list("alias", "from_version__number", "to_version__number")
    assert list(moves) == [
        ("production", None, 1),
        ("production", 1, 2),
        ("production", 2, 1),
        ("staging", None, 2),
    ]


@pytest.mark.parametrize("text", ["{", json.dumps({"sum": 11.0}), ""])
def test_a_changed_artifact_is_not_promoted_and_the_old_version_goes_on(two, user, settings, text):
    corrupt(two[1], settings, text)
    with pytest.raises(ArtifactMismatch):
        promote_model(name="flowers", number=2)
    with pytest.raises(CommandError, match="not the registered file"):
        call_command("promote_model", "flowers", "2")
    assert resolve_version("flowers") == two[0]
    assert ask(user).value == 9
    assert AliasChange.objects.count() == 1


def test_a_missing_artifact_is_not_promoted(two, settings):
    Path(settings.MODEL_ROOT, two[1].artifact).unlink()
    with pytest.raises(ModelUnavailable):
        promote_model(name="flowers", number=2)


def test_a_version_that_answers_its_example_otherwise_is_not_promoted(write_rows, monkeypatch):
    more = "[[examples]]\nfeatures = { length = 2, petals = 3 }\nvalue = 5\n"
    version = register_model(path=write_rows(more=more))
    with get_pool().lease(get_spec(version)) as predictor:
        monkeypatch.setattr(predictor, "_run", lambda table: 2 * table.columns["length"])
        with pytest.raises(Exception, match="expects value 5"):
            promote_model(name="flowers", number=1)


def test_an_alias_on_a_version_that_does_not_load_is_answered_by_the_one_before(two, user, settings):
    """It was changed between its promotion and its loading here."""
    corrupt(two[1], settings)
    move_alias(two[1])
    answer = ask(user)
    assert (answer.value, answer.model_version, answer.status) == (9, two[0], "succeeded")
    by_number = ask(user, "flowers:2")
    assert (by_number.status, by_number.error_code, by_number.model_version) == ("failed", "artifact-mismatch", two[1])
    assert ask(user, "flowers@production").model_version == two[0]


def test_without_a_version_before_it_the_failure_is_kept(two, user, settings):
    corrupt(two[1], settings)
    move_alias(two[1], alias="staging")
    assert ask(user, "flowers@staging").error_code == "artifact-mismatch"


def test_a_version_before_that_takes_another_row_does_not_answer(two, write_rows, user, settings):
    third = register_model(path=write_rows(more='[[input.features]]\nname = "new"\n'))
    corrupt(third, settings)
    move_alias(third)
    row = predict(user=user, source="api", features={**ROW, "new": 1}, model="flowers")
    assert (row.error_code, row.model_version) == ("artifact-mismatch", third)


def test_damage_is_seen_without_reading_what_was_not_touched(two, settings, monkeypatch):
    assert find_damaged_versions() == {}
    first, second = (Path(settings.MODEL_ROOT, version.artifact) for version in two)
    hashed = []
    from inference.artifacts import hash_artifact

    monkeypatch.setattr("registry.integrity.artifact_sha256", lambda path: hashed.append(path) or hash_artifact(path))
    os.utime(first, (2**31, 2**31))  # touched, the bytes are the same
    second.write_text(second.read_text().replace("10", "11"))
    assert find_damaged_versions() == {"flowers:2": "artifact-mismatch"} == find_damaged_versions()
    assert hashed == [second, first]
    second.unlink()
    assert find_artifact_problem(two[1]) == "model-unavailable"
    second.write_text("{")
    assert find_artifact_problem(two[1]) == "artifact-mismatch"
    assert hashed == [second, first]


def test_readyz_names_a_damaged_artifact_and_stays_ready(two, client, settings):
    get_pool().preload(get_spec(two[0]))
    assert client.get("/readyz").json()["problems"] == {}
    corrupt(two[1], settings)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["problems"]) == (200, {"flowers:2": "artifact-mismatch"})


def test_readyz_stays_green_while_a_promotion_loads_and_turns_red_when_nothing_answers(two, client, settings):
    get_pool().preload(get_spec(two[0]))
    assert client.get("/readyz").status_code == 200
    move_alias(two[1])
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["models"]) == (200, {"loaded": 0, "served": 1})
    corrupt(two[1], settings)
    with pytest.raises(ArtifactMismatch):
        get_pool().preload(get_spec(two[1]))
    answer = client.get("/readyz")  # the version before it answers
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["problems"] == {"flowers:2": "artifact-mismatch"}
    AliasChange.objects.all().delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (503, "failing")


def test_check_models_asks_the_examples(two, settings, capsys):
    call_command("check_models")
    assert "flowers:1: ok" in capsys.readouterr().out
    get_pool().close()
    corrupt(two[0], settings)
    with pytest.raises(CommandError, match="1 of 1 served versions do not work"):
        call_command("check_models")


def test_the_pool_is_bounded_by_the_settings(two, settings, user):
    from registry.serving import build_pool

    build_pool.cache_clear()
    settings.MAX_LOADED_MODELS = 1
    for number in (1, 2, 1):
        assert ask(user, f"flowers:{number}").model_version.number == number
        assert [get_pool().is_loaded(get_spec(version)) for version in two] == [number == 1, number == 2]


BROKEN = """
from inference.base import BaseRuntime

class Broken(BaseRuntime):
    works = True

    def load(self):
        if not Broken.works:
            raise OSError("/srv/very/secret/license.key is missing")
        return lambda table: 7 * table.columns["length"]
"""


def test_whatever_an_artifact_raises_is_a_failure_of_it_and_not_told_to_callers(
    two, write_rows, tmp_path, monkeypatch, user, client
):
    (tmp_path / "broken_runtime.py").write_text(BROKEN)
    monkeypatch.syspath_prepend(tmp_path)
    folder = write_rows()
    (folder / "model.toml").write_text('runtime = "broken_runtime.Broken"\n' + (folder / "model.toml").read_text())
    third = register_model(path=folder, trusted=True, promote=True)
    import broken_runtime

    broken_runtime.Broken.works = False
    assert ask(user).model_version == two[0]  # the version before it answers
    failed = ask(user, "flowers:3")
    assert (failed.error_code, failed.error_message) == ("model-unavailable", "flowers:3 cannot be loaded.")
    with pytest.raises(ModelUnavailable):
        get_pool().preload(get_spec(third))
    answer = client.get("/readyz").json()
    assert answer["problems"] == {"flowers:3": "model-unavailable"}
    with pytest.raises(CommandError, match=r"flowers:3 cannot be loaded\. \(.*secret"):
        call_command("promote_model", "flowers", "3", "--alias", "other")


def test_one_model_that_does_not_load_takes_no_other_away(two, shades, client, settings):
    corrupt(two[0], settings)
    with pytest.raises(ArtifactMismatch):
        get_pool().preload(get_spec(two[0]))
    get_pool().preload(get_spec(shades))
    from mlsite.health import first_load_finished

    first_load_finished.set()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
    assert answer.json()["problems"] == {"flowers:1": "artifact-mismatch"}


def test_the_pages_name_the_version_that_answers(two, client, user, settings):
    from core.tests.pages import get_text

    client.force_login(user)
    move_alias(two[1])
    assert "Answered by flowers:2" in get_text(client.get("/?model=flowers"))
    corrupt(two[1], settings)
    assert "Answered by flowers:1" in get_text(client.get("/?model=flowers"))
    assert "Version 1 answers instead." in get_text(client.get("/models/flowers/"))
    corrupt(two[0], settings)


def test_the_record_says_who_promoted_by_command(two, user):
    call_command("promote_model", "flowers", "2", "--user", "ada")
    assert AliasChange.objects.first().changed_by == user
    with pytest.raises(CommandError, match="There is no user 'nobody'"):
        call_command("promote_model", "flowers", "1", "--user", "nobody")
