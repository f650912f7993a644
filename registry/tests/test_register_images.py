"""Options of registration for images."""

import pytest

from core.tests.commands import run_command
from inference.errors import InvalidSignature
from registry.models import ModelVersion
from registry.services import register_model
from registry.templatetags.signatures import image_steps
from registry.tests.factories import edit_manifest

pytestmark = pytest.mark.django_db


def test_scale_and_preset_override_the_manifest(write_dummy):
    scaled = register_model(path=write_dummy(), scale="symmetric")
    assert scaled.parsed_signature.input.scale == "symmetric"
    folder = write_dummy()
    edit_manifest(folder, 'channels = 1\nscale = "unit"', "channels = 3")
    preset = register_model(path=folder, preset="keras-densenet").parsed_signature.input
    steps = "scale standard, mean [0.485, 0.456, 0.406], std [0.229, 0.224, 0.225], resize stretch"
    assert image_steps(preset) == steps
    assert (preset.scale, preset.mean) == ("standard", (0.485, 0.456, 0.406))


def test_scale_is_required(write_dummy):
    folder = write_dummy()
    edit_manifest(folder, 'scale = "unit"\n', "")
    with pytest.raises(InvalidSignature, match=r"Expected scale in \[input\] of model\.toml, or --scale"):
        register_model(path=folder)
    assert register_model(path=folder, scale="unit").number == 1


def test_an_unknown_preset_is_refused(write_dummy):
    with pytest.raises(InvalidSignature, match=r"Expected preset to be one of keras-.* Received: 'resnet'"):
        register_model(path=write_dummy(), preset="resnet")


def test_the_command_passes_scale_and_preset(write_dummy):
    folder = write_dummy()
    assert run_command("register_model", folder, "--scale", "symmetric")[2] is None
    edit_manifest(folder, 'channels = 1\nscale = "unit"', "channels = 3")
    assert run_command("register_model", folder, "--preset", "keras-xception")[2] is None
    scales = [version.parsed_signature.input.scale for version in ModelVersion.objects.order_by("number")]
    assert scales == ["symmetric", "symmetric"]
    assert "invalid choice: 'log'" in run_command("register_model", folder, "--scale", "log")[2]


def test_options_for_images_are_checked(db, write_rows):
    path = write_rows()
    with pytest.raises(InvalidSignature, match=r"only apply to images\. The kind of input is tabular\. Remove scale\."):
        register_model(path=path, scale="unit")
    with pytest.raises(InvalidSignature, match="Pass either --scale or --preset"):
        register_model(path=path, scale="unit", preset="clip")
