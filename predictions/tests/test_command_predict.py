"""The command `predict`."""

import json

import pytest

from core.tests.commands import run_command
from inference.tests.factories import make_image, make_noise_image
from predictions.models import Prediction

pytestmark = pytest.mark.django_db


def test_predict_stores_a_prediction_of_each_valid_file(shades, user, tmp_path):
    for name, data in (("white.png", make_image(255)), ("black.png", make_image(0)), ("text.png", b"text")):
        (tmp_path / name).write_bytes(data)
    out, err, error = run_command(
        "predict", "shades", tmp_path / "white.png", tmp_path / "text.png", tmp_path / "black.png", "--user", "ada"
    )
    assert [line.split("\t")[1] for line in out.splitlines()] == ["white", "black"]
    assert "text.png: The file is not an image" in err
    assert error == "1 of 3 inputs failed."
    assert [(row.label, row.source, row.user) for row in Prediction.objects.order_by("id")] == [
        ("white", "cli", user),
        ("black", "cli", user),
    ]


def test_predict_prints_json(shades, tmp_path):
    (tmp_path / "a.png").write_bytes(make_noise_image(1))
    line = json.loads(run_command("predict", "shades:1", tmp_path / "a.png", "--json")[0])
    assert (line["status"], line["output"]) == ("succeeded", Prediction.objects.get().output)


def test_predict_counts_failed_predictions_as_errors(register_failing, tmp_path):
    register_failing(nan=True)
    (tmp_path / "a.png").write_bytes(make_noise_image(1))
    out, _, error = run_command("predict", "failing", tmp_path / "a.png")
    assert "failed" in out
    assert error == "1 of 1 inputs failed."


def test_predict_waits_for_a_model_that_loads_slowly(register_failing, settings, tmp_path):
    settings.PREDICT_TIMEOUT = 0.3
    register_failing(load_sleep=0.6)
    (tmp_path / "a.png").write_bytes(make_image(255))
    out, _, error = run_command("predict", "failing:2", tmp_path / "a.png")
    assert (out.split("\t")[1], error) == ("white", None)


def test_predict_rejects_an_unknown_user(shades):
    assert run_command("predict", "shades", "a.png", "--user", "nobody")[2] == "There is no user 'nobody'."


def test_predict_reads_rows_from_csv_and_json(flowers, tmp_path):
    (tmp_path / "rows.csv").write_text("petals,length,wild\n5,4.5,true\n5,45,\n5,1_0,\n7,1,\n")
    (tmp_path / "rows.json").write_text('[{"length": 1, "petals": 2}, {"length": 1}]')
    (tmp_path / "row.json").write_text('{"length": 2, "petals": 2}')
    out, err, error = run_command("predict", "flowers", *(tmp_path / name for name in ("rows.csv", "rows.json", "row.json")))
    assert [line.split("\t")[1] for line in out.splitlines()] == ["10.5 cm²", "8 cm²", "3 cm²", "4 cm²"]
    assert "rows.csv:3: length: Expected a number from 0 to 10 cm" in err
    assert 'rows.csv:4: length: Expected a number from 0 to 10 cm, such as 4.5. Received: "1_0"' in err
    assert "rows.json:2: petals: Missing" in err
    assert error == "3 of 7 inputs failed."
    assert Prediction.objects.count() == 4


@pytest.mark.parametrize(
    ("name", "content", "text"),
    [
        ("a.csv", b"length,petals\n1\n", "a.csv:2: Expected 2 values: length, petals."),
        ("a.csv", b"length,petals\n1,2,3\n", "a.csv:2: Expected 2 values: length, petals."),
        ("a.csv", b'length,petals\n"1,2\n', "a.csv: unexpected end of data"),
        ("a.csv", b"\xff\xfel\0", "a.csv: Expected a .csv or .json file in UTF-8. This file is in UTF-16. Save it as UTF-8"),
        ("a.csv", "length\n".encode("utf-16-le"), "a.csv: The file is in UTF-16. Save it as UTF-8"),
        ("a.csv", b"length,petals,gr\xfcn\n1,2,3\n", "This file may be in Latin-1 or Windows-1252. Save it as UTF-8"),
        ("a.csv", b"1.5,2\n1,2\n", "a.csv: Expected a header with the feature names in the first line: length, petals"),
        ("a.csv", b"Length,petals\n1,2\n", "The file has Length, petals. Rename 'Length' to 'length'."),
        ("a.csv", b"length;petals\n1,5;2\n1.5;2\n", "a.csv:3: Numbers have decimal commas and decimal points."),
        ("a.csv", b"length;petals\n1.234,5;2\n", "Write the number without thousands separators and with a decimal point"),
        ("a.csv", b"", "a.csv: No rows."),
        ("a.csv", b"length,hue\n1,2\n", "a.csv: Missing columns: petals. The file has length, hue."),
        ("a.csv", b"length,length\n1,2\n", "a.csv: The names in the header must be unique. Duplicates: length."),
        ("a.json", b"{", "a.json: Expecting property name"),
        ("a.json", b"[1]", "a.json:1: Expected an object of features by name"),
        ("missing.csv", None, "missing.csv: No such file or directory"),
    ],
)
def test_predict_reports_invalid_files_of_rows(flowers, tmp_path, name, content, text):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    _, err, error = run_command("predict", "flowers", tmp_path / name)
    assert text in err
    assert "inputs failed." in error


@pytest.mark.parametrize(
    "content",
    [
        "petals;length;id;colour\n5;4,5;A;red\n7;1,25;B;NA\n",
        "petals\tlength\tid\tcolour\r\n5\t4.5\tA\tred\r\n7\t1.25\tB\tnan\r\n",
        '\ufeffcolour,"length","petals",id\n"red","4.5",5,"A, B"\n\n,"1.25",7,"B"\n',
    ],
)
def test_predict_reads_csv_variants_and_names_unused_columns(flowers, tmp_path, content):
    (tmp_path / "rows.csv").write_bytes(content.encode())
    _, err, error = run_command("predict", "flowers", tmp_path / "rows.csv")
    assert error is None
    assert err == f"{tmp_path / 'rows.csv'}: The model does not use these columns: id.\n"
    rows = [prediction.input.features for prediction in Prediction.objects.order_by("id")]
    assert [(row["length"], row["petals"], row["colour"]) for row in rows] == [(4.5, 5, "red"), (1.25, 7, "white")]


def test_predict_names_columns_without_a_name(flowers, tmp_path):
    (tmp_path / "rows.csv").write_text(",length,petals\n0,1,5\n")
    _, err, error = run_command("predict", "flowers", tmp_path / "rows.csv")
    assert error is None
    assert "The model does not use these columns: (without a name)." in err
