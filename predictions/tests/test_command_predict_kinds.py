"""The command `predict` for texts, and for images with features."""

import pytest

from core.tests.commands import run_command
from inference.tests.factories import make_image
from predictions.models import Input, Prediction

pytestmark = pytest.mark.django_db


def test_predict_reads_a_text_file_as_one_text(reviews, tmp_path):
    for name, data in (("a.txt", "größe\n\n".encode()), ("b.txt", b"\xef\xbb\xbftwo\r\nlines\r\n"), ("c.txt", b"")):
        (tmp_path / name).write_bytes(data)
    out, err, error = run_command("predict", "reviews", *(tmp_path / f"{name}.txt" for name in "abc"))
    assert (err, error) == ("", None)
    assert [line.split("\t")[1] for line in out.splitlines()] == ["6", "10", "0"]
    assert [row.text for row in Input.objects.order_by("id")] == ["größe\n", "two\r\nlines", ""]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "a.txt: Expected a .txt file in UTF-8."),
        (b"a\0", "a.txt: Expected text without NUL characters"),
        (b"a" * 51, "a.txt: Expected text of at most 50 characters. Received: 51."),
    ],
)
def test_predict_reports_invalid_texts(reviews, tmp_path, data, message):
    (tmp_path / "a.txt").write_bytes(data)
    _, err, error = run_command("predict", "reviews", tmp_path / "a.txt")
    assert message in err
    assert error == "1 of 1 inputs failed."
    assert not Prediction.objects.exists()


def test_predict_reads_images_with_features_from_csv_and_json(parcels, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "white.png").write_bytes(make_image(255, size=(8, 8)))
    (tmp_path / "rows.csv").write_text("image,weight,express\nimages/white.png,2,true\nmissing.png,2,true\n,1,\n")
    (tmp_path / "row.json").write_text('[{"image": "images/white.png", "weight": 0}, {"weight": 0}, 5]')
    out, err, error = run_command("predict", "parcels", tmp_path / "rows.csv", tmp_path / "row.json")
    assert [line.split("\t")[1] for line in out.splitlines()] == ["67", "64"]
    assert "rows.csv:3: No such file or directory" in err
    assert err.count("Expected the path of an image in the column or key image.") == 3
    assert error == "4 of 6 inputs failed."
    assert {row.original_name for row in Input.objects.all()} == {"white.png"}
