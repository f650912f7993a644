"""The description of a version, as the command, the page, the admin, and the API show it."""

import pytest
from django.utils import translation

from core.tests.commands import run_command
from core.tests.pages import get_text
from inference.signature import (
    ClassesOutput,
    Feature,
    ImageInput,
    ImageTabularInput,
    LabelOutput,
    LabelsOutput,
    Signature,
    TableInput,
    TextInput,
    ValueOutput,
)
from registry.management.commands.register_model import format_table
from registry.models import ModelVersion, RegisteredModel
from registry.presentation import DescriptionRow, describe_input, describe_output, describe_version
from registry.services import register_model

MEAN_RUNTIME = """
from inference.base import BaseRuntime

class Mean(BaseRuntime):
    def load(self):
        return lambda table: table.columns["length"] - table.columns["length"].mean()
"""


def make_version(signature, labels=(), **fields):
    return ModelVersion(
        model=RegisteredModel(name="model", task="other"),
        number=1,
        runtime="dummy",
        size=1,
        signature=signature.to_dict(),
        labels=list(labels),
        **fields,
    )


@pytest.mark.parametrize(
    ("image", "rows"),
    [
        (
            ImageInput(224, 192, 3, "symmetric", resize="crop"),
            {
                "Image": "192 × 224 pixels, 3 channels (RGB)",
                "Scale": "symmetric: x / 127.5 - 1 (-1 to 1)",
                "Resize": "crop to the aspect ratio around the center, then resize",
                "Layout": "channels-last (height, width, channels)",
            },
        ),
        (
            ImageInput(8, 8, 1, "standard", (0.5,), (0.25,), layout="channels-first"),
            {
                "Image": "8 × 8 pixels, 1 channel (grayscale)",
                "Scale": "standard: (x / 255 - mean) / std",
                "Mean": "0.5",
                "Std": "0.25",
                "Layout": "channels-first (channels, height, width)",
            },
        ),
    ],
)
def test_an_image_input_is_described(image, rows):
    described = dict(describe_input(image))
    assert {name: described[name] for name in rows} == rows


@pytest.mark.parametrize(
    ("feature", "value"),
    [
        (Feature("x", unit="cm", min=0, max=1.5), "number in cm, 0 to 1.5; required"),
        (Feature("x", type="integer", min=2, default=3), "whole number, 2 or more; default 3"),
        (Feature("x", max=2, required=False), "number, 2 or less; can be missing"),
        (Feature("x", type="category", values=("a", "b"), default="b"), "category; one of a, b; default b"),
        (Feature("x", type="boolean"), "true or false; required"),
        (Feature("x", type="text"), "text; required"),
        (
            Feature("x", type="category", values=tuple(f"v{number}" for number in range(500))),
            "category; one of " + ", ".join(f"v{number}" for number in range(20)) + " … and 480 more; required",
        ),
    ],
)
def test_a_feature_is_described(feature, value):
    assert describe_input(TableInput((feature,))) == [("Features", "1"), ("x", value)]


def test_an_image_with_features_is_described_as_both():
    rows = dict(describe_input(ImageTabularInput(ImageInput(8, 8, 1, "none"), TableInput((Feature("x", unit="cm"),)))))
    assert rows["Image"] == "8 × 8 pixels, 1 channel (grayscale)"
    assert rows["Scale"] == "none: x (0 to 255)"
    assert (rows["Features"], rows["x"]) == ("1", "number in cm; required")


def test_a_text_input_is_described():
    rows = dict(describe_input(TextInput(name="review", title="Review", max_length=2000)))
    assert rows["Text"] == "up to 2,000 characters"
    assert (rows["Title"], rows["Name in the artifact"]) == ("Review", "review")


def test_long_lists_are_shortened():
    rows = describe_input(TableInput(tuple(Feature(f"x{number}") for number in range(500))))
    assert rows[0] == ("Features", "500")
    assert [name for name, _ in rows[1:-1]] == [f"x{number}" for number in range(20)]
    assert rows[-1] == ("…", "and 480 more features")


@pytest.mark.parametrize(
    ("output", "labels", "rows"),
    [
        (
            ClassesOutput(activation="sigmoid", threshold=0.3),
            ("no", "yes"),
            {"Activation": "sigmoid, applied to the output", "Decision": "yes if its score is at least 0.3, otherwise no"},
        ),
        (
            ClassesOutput(name="scores", label_name="label", classes=("3", "8")),
            ("three", "eight"),
            {
                "Labels (2)": "three, eight",
                "Model's own classes": "3 is three, 8 is eight",
                "Name in the artifact": "scores",
                "Decision": "by the model itself (output label)",
            },
        ),
        (ClassesOutput(), ("a", "b", "c"), {"Decision": "the label with the highest score"}),
        (
            LabelsOutput(thresholds=(0.5, 0.25)),
            ("a", "b"),
            {
                "Kind": "labels: any number of labels, with one score per label",
                "Decision": "each label whose score is at least its threshold: a 0.5, b 0.25",
            },
        ),
        (LabelOutput(), ("a",), {"Kind": "label: one label, without scores"}),
        (ValueOutput(unit="points"), (), {"Kind": "value: one number", "Unit": "points"}),
    ],
)
def test_an_output_is_described(output, labels, rows):
    described = {name: value for name, value in describe_output(output, labels) if value}
    assert {name: described.get(name) for name in rows} == rows


def test_a_version_that_is_not_saved_is_described():
    signature = Signature(TableInput((Feature("x"),)), ValueOutput(), single_rows=True)
    rows = describe_version(make_version(signature, trusted=True, notices=["x is derived."], libraries={"numpy": "2.4"}))
    for row in (
        ("Model", "Version", "model:1"),
        ("Model", "Registered with", "numpy 2.4"),
        ("Model", "Trusted", "yes: loading it can run its author's code"),
        ("Checks", "Concurrent inputs", "run one by one"),
        ("Checks", "Examples", "none"),
        ("Notices", "", "x is derived."),
    ):
        assert row in rows


def test_the_table_is_aligned_and_wrapped():
    rows = [
        DescriptionRow("Input", "a", "b " * 40),
        DescriptionRow("Input", "n" * 40, "c"),
        DescriptionRow("Notices", "", "d"),
    ]
    lines = list(format_table(rows, width=100))
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith("Input    a" + " " * 29 + "b b")
    assert lines[-3:] == [" " * 9 + "n" * 40, " " * 39 + "c", "Notices  d"]


@pytest.mark.django_db
def test_registration_prints_pages_show_and_the_api_returns_what_was_understood(
    write_rows, tmp_path, monkeypatch, superuser, client
):
    (tmp_path / "mean_runtime.py").write_text(MEAN_RUNTIME)
    monkeypatch.syspath_prepend(tmp_path)
    folder = write_rows(more="[[examples]]\nfeatures = { length = 4, petals = 5 }\nvalue = 0\n")
    text = (folder / "model.toml").read_text()
    (folder / "model.toml").write_text(f'runtime = "mean_runtime.Mean"\n{text}')
    out = " ".join(run_command("register_model", folder, "--trusted", "--promote")[0].split())
    version = ModelVersion.objects.get()
    assert version.signature["single_rows"] is True
    assert "python" in version.libraries
    (notice,) = version.notices
    assert notice.startswith("Inputs run one by one, because the model cannot run a batch: its results change (value")
    client.force_login(superuser)
    page = get_text(client.get("/models/flowers/"))
    admin = get_text(client.get(f"/admin/registry/modelversion/{version.pk}/change/"))
    for expected in (
        "flowers:1", "tabular regression", "number in cm, 0 to 10; required", "default white", "run one by one", "1 checked",
        notice,
    ):  # fmt: skip
        for shown in (out, page, admin):
            assert expected in shown
    (data,) = client.get("/api/v1/models/flowers/").json()["versions"]
    assert data["notices"] == [notice]
    register_model(path=write_rows(factor=2))
    assert get_text(client.get("/models/flowers/")).count("What was registered") == 2


def test_an_image_that_is_passed_as_a_file_has_no_size():
    image = ImageInput(0, 0, scale="none", encoding="file")
    assert describe_input(image) == [("Image", "passed to the model as a file")]


def test_a_number_and_the_number_of_a_version_are_different_words_in_german():
    with translation.override("de"):
        rows = dict(describe_input(TableInput((Feature("x", unit="cm"),))))
    assert rows["x"] == "Zahl in cm; erforderlich"
