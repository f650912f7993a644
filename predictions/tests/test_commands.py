import json
from pathlib import Path

import pytest

from core.tests.commands import run_command
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Prediction
from registry.models import Alias
from registry.services import register_model

pytestmark = pytest.mark.django_db


def test_register_and_promote(write_dummy):
    out, _, error = run_command("register_model", write_dummy(), "--promote")
    assert error is None
    assert "Registered shades:1 for image-classification (dummy 1," in out
    assert "shades@production -> 1" in out
    run_command("register_model", write_dummy(sleep=0.001))
    assert run_command("promote_model", "shades", 2)[0] == "shades@production: 1 -> 2\n"
    assert run_command("promote_model", "shades", 1, "--alias", "staging")[0] == "shades@staging: none -> 1\n"
    assert {str(alias): alias.version.number for alias in Alias.objects.all()} == {
        "shades@production": 2,
        "shades@staging": 1,
    }


def test_register_takes_a_name_and_labels(write_dummy, tmp_path):
    labels = tmp_path / "labels.txt"
    labels.write_text("night\nfog\nsnow\n")
    assert "Registered weather:1" in run_command("register_model", write_dummy(), "--name", "weather", "--labels", labels)[0]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("register_model", "/nowhere"), "There is no file or folder /nowhere."),
        (
            ("promote_model", "nope", 1),
            "There is no model 'nope', or no version of it in use. Ask as name, name@alias or name:version.",
        ),
    ],
)
def test_a_refusal_is_one_sentence(arguments, says):
    assert says in run_command(*arguments)[2]


def test_check_models_loads_what_is_served_and_names_what_does_not_work(shades, write_dummy, settings):
    assert "shades:1: ok" in run_command("check_models")[0]
    broken = register_model(path=write_dummy(name="broken"), promote=True)
    Path(settings.MODEL_ROOT, broken.artifact).write_text("{}")
    _, err, error = run_command("check_models")
    assert "broken:1: artifact-mismatch" in err
    assert error == "1 of 2 served versions do not work."


def test_check_models_without_models_says_how_to_get_one():
    assert "register_model PATH --promote" in run_command("check_models")[0]


def test_predict_answers_each_file_and_keeps_it(shades, user, tmp_path):
    for name, data in (("white.png", make_image(255)), ("black.png", make_image(0)), ("text.png", b"text")):
        (tmp_path / name).write_bytes(data)
    out, err, error = run_command(
        "predict", "shades", tmp_path / "white.png", tmp_path / "text.png", tmp_path / "black.png", "--user", "ada"
    )
    assert [line.split("\t")[1] for line in out.splitlines()] == ["white", "black"]
    assert "text.png: The file is not an image" in err
    assert error == "1 of 3 inputs have no answer."
    assert [(row.label, row.source, row.user) for row in Prediction.objects.order_by("id")] == [
        ("white", "cli", user),
        ("black", "cli", user),
    ]


def test_predict_in_json(shades, tmp_path):
    (tmp_path / "a.png").write_bytes(make_noise_image(1))
    line = json.loads(run_command("predict", "shades:1", tmp_path / "a.png", "--json")[0])
    assert (line["status"], line["output"]) == ("succeeded", Prediction.objects.get().output)


def test_predict_reports_a_failing_model(register_failing, tmp_path):
    register_failing(nan=True)
    (tmp_path / "a.png").write_bytes(make_noise_image(1))
    out, _, error = run_command("predict", "failing", tmp_path / "a.png")
    assert "failed" in out
    assert error == "1 of 1 inputs have no answer."


def test_predict_refuses_an_unknown_user(shades):
    assert run_command("predict", "shades", "a.png", "--user", "nobody")[2] == "There is no user 'nobody'."


def test_predict_takes_rows_from_csv_and_json(flowers, tmp_path):
    (tmp_path / "rows.csv").write_text("petals,length,wild\n5,4.5,true\n5,45,\n5,1_0,\n7,1,\n")
    (tmp_path / "rows.json").write_text('[{"length": 1, "petals": 2}, {"length": 1}]')
    (tmp_path / "row.json").write_text('{"length": 2, "petals": 2}')
    out, err, error = run_command("predict", "flowers", *(tmp_path / name for name in ("rows.csv", "rows.json", "row.json")))
    assert [line.split("\t")[1] for line in out.splitlines()] == ["10.5 cm²", "8 cm²", "3 cm²", "4 cm²"]
    assert "rows.csv:3: length: Expected a number from 0 to 10 cm" in err
    assert 'rows.csv:4: length: Expected a number from 0 to 10 cm, such as 4.5. Received: "1_0"' in err
    assert "rows.json:2: petals: Missing" in err
    assert error == "3 of 7 inputs have no answer."
    assert Prediction.objects.count() == 4


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.csv", b"length,petals\n1\n", "a.csv:2: Expected 2 values, as in the header."),
        ("a.csv", b"length,petals\n1,2,3\n", "a.csv:2: Expected 2 values, as in the header."),
        ("a.csv", b'length,petals\n"1,2\n', "a.csv: unexpected end of data"),
        ("a.csv", b"\xff\xfe", "a.csv: Expected a text file, .csv or .json, in UTF-8."),
        ("a.csv", b"", "a.csv: no rows"),
        ("a.csv", b"length,hue\n1,2\n", "a.csv:2: hue: There is no feature 'hue'"),
        ("a.csv", b"length,length\n1,2\n", "a.csv: expected different names in the header"),
        ("a.json", b"{", "a.json: Expecting property name"),
        ("a.json", b"[1]", "a.json:1: Expected an object of features by name"),
        ("missing.csv", None, "missing.csv: No such file or directory"),
    ],
)
def test_predict_names_what_is_wrong_with_a_file_of_rows(flowers, tmp_path, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    _, err, error = run_command("predict", "flowers", tmp_path / name)
    assert says in err
    assert "have no answer" in error


def test_the_operator_is_told_why_a_model_fails(write_rows):
    error = run_command("register_model", write_rows(fail="column wool is missing"))[2]
    assert error == "Not registered: flowers failed: RuntimeError. (column wool is missing)"


def test_registering_says_what_was_trusted(write_rows):
    assert "bytes, trusted)" in run_command("register_model", write_rows(), "--trusted")[0].replace(" to run its code", "")
