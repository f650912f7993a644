"""The errors when an image input in model.toml contradicts the artifact or is incomplete."""

from dataclasses import replace

import pytest

from inference.signature import Signature
from inference.tests.factories import (
    RAW_OUTPUT,
    assert_signature_error,
    infer_with_defaults,
    make_column_metadata,
    make_image_metadata,
    make_matrix_metadata,
)
from inference.types import ArtifactMetadata


@pytest.mark.parametrize(
    ("metadata", "input", "message"),
    [
        (
            make_image_metadata(28, 28, 1),
            {"width": 32},
            "model.toml declares an array of [28, 32, 1] (channels-last), but the artifact takes [28, 28, 1].",
        ),
        (
            make_image_metadata(1, 28, 28),
            {"channels": 3},
            "declares an array of [3, 28, 28] (channels-first), but the artifact takes [1, 28, 28].",
        ),
        (
            make_image_metadata(None, 28, 3),
            {"height": 9, "width": 9},
            "an array of [9, 9, 3] (channels-last), but the artifact takes [any, 28, 3].",
        ),
        (make_image_metadata(3, 9, 3), None, "Expected layout in [input] of model.toml"),
        (make_image_metadata(None, None, None), {"height": 9, "width": 9}, "channels-first"),
        (make_image_metadata(28, 28, 1, dtype="uint16"), None, "16-bit images, such as 0 to 4095: stored, with bits"),
        (
            replace(make_image_metadata(28, 28, 1), image={"scale": "stored", "bits": 12}),
            {"scale": "none"},
            'scale = "none" is declared in model.toml or with an option, but the artifact takes scale = "stored"',
        ),
        (make_image_metadata(28, 28, 4), None, "Expected 1 (grayscale) or 3 (RGB) channels. Received: 4"),
        (
            make_image_metadata(28, 32, 3),
            {"layout": "channels-first"},
            'declares layout = "channels-first", an array of (channels, height, width)',
        ),
        (
            make_image_metadata(3, 28, 32),
            {"layout": "channels-last"},
            "an array of (height, width, channels), but the artifact takes [3, 28, 32].",
        ),
        (
            make_image_metadata(28, 28, 3),
            {"layout": "nchw"},
            "Expected layout to be one of channels-last, channels-first. Received: 'nchw'",
        ),
        (
            make_image_metadata(None, None, 3),
            None,
            "Expected height and width in [input] of model.toml, because the artifact does not define the size",
        ),
        (
            make_image_metadata(28, 28),
            None,
            'It takes image float32 [28, 28]. If it is a grayscale image (height, width), set kind = "image"',
        ),
        (
            make_image_metadata(28, 32),
            {"kind": "image", "channels": 3},
            "an array of [28, 32, 3] (channels-last), but the artifact takes [28, 32].",
        ),
        (
            make_matrix_metadata(784),
            {"kind": "image", "height": 28, "width": 27, "channels": 1},
            "of [756] (channels-last), but the artifact takes [784].",
        ),
        (
            make_image_metadata(9, 28, 28, 3),
            None,
            "one text, or an image and features. It takes image float32 [9, 28, 28, 3].",
        ),
        (
            make_image_metadata(9, 28, 28, 3),
            {"kind": "image"},
            "Expected a model that takes one image. It takes image float32 [9, 28, 28, 3].",
        ),
        (
            make_column_metadata(a="float32", b="int64"),
            {"kind": "image"},
            "takes one image. It takes a float32 [1]; b int64 [1].",
        ),
        (
            make_image_metadata(8, 8, 3, dtype="uint8"),
            {"scale": "unit"},
            'scale = "unit", which produces fractions, but the artifact takes integers',
        ),
        (
            make_image_metadata(8, 8, 3, dtype="int8"),
            None,
            "Expected an input that can hold pixel values from 0 to 255. The artifact takes image int8",
        ),
        (
            make_image_metadata(8, 8, 3, dtype="str"),
            None,
            "Expected an input that can hold pixel values from 0 to 255. The artifact takes image str",
        ),
        (
            make_image_metadata(8, 8, 3),
            {"kind": "picture"},
            "Expected kind in [input] to be one of image, tabular, text, image-tabular. Received: 'picture'",
        ),
        (ArtifactMetadata(), None, "Expected [input] in model.toml, because the artifact does not define its input."),
    ],
)
def test_declared_images_must_match_the_artifact(metadata, input, message):
    assert_signature_error(metadata, message, input, RAW_OUTPUT)


@pytest.mark.parametrize(
    ("metadata", "input", "shape", "layout"),
    [
        (make_image_metadata(28, 32, 3), {}, (28, 32, 3), "channels-last"),
        (make_image_metadata(3, 28, 32), {}, (28, 32, 3), "channels-first"),
        (make_image_metadata(1, 28, 32), {}, (28, 32, 1), "channels-first"),
        (make_image_metadata(3, None, None), {"height": 9, "width": 8}, (9, 8, 3), "channels-first"),
        (make_image_metadata(None, None, 1), {"height": 9, "width": 8}, (9, 8, 1), "channels-last"),
        (make_image_metadata(3, 9, 3), {"layout": "channels-last"}, (3, 9, 3), "channels-last"),
        (make_image_metadata(3, 9, 3), {"layout": "channels-first"}, (9, 3, 3), "channels-first"),
        (make_image_metadata(None, 9, 8), {"layout": "channels-first"}, (9, 8, 3), "channels-first"),
        (make_image_metadata(28, 32), {"kind": "image"}, (28, 32, 1), "channels-last"),
        (make_matrix_metadata(72), {"kind": "image", "height": 9, "width": 8, "channels": 1}, (9, 8, 1), "channels-last"),
    ],
)
def test_size_and_layout_of_an_image_are_read_from_the_artifact(metadata, input, shape, layout):
    signature, _ = infer_with_defaults(metadata, {"scale": "unit", **input}, RAW_OUTPUT)
    assert (signature.input.shape, signature.input.layout) == (shape, layout)


def test_an_unknown_scale_is_refused():
    message = "Expected scale in [input] of model.toml, or --scale: the artifact does not define how pixels are scaled."
    for metadata, input in (
        (make_image_metadata(8, 8, 3), {}),
        (make_matrix_metadata(64), {"kind": "image", "height": 8, "width": 8, "channels": 1}),
        (ArtifactMetadata(), {"height": 8, "width": 8}),
    ):
        assert_signature_error(metadata, message, input, RAW_OUTPUT)
        signature, _ = infer_with_defaults(metadata, {**input, "scale": "symmetric"}, RAW_OUTPUT)
        assert signature.input.scale == "symmetric"


def test_an_integer_input_needs_no_scale():
    signature, _ = infer_with_defaults(make_image_metadata(8, 8, 3, dtype="uint8"), {}, RAW_OUTPUT)
    assert signature.input.scale == "none"


def test_the_preprocessing_of_the_artifact_is_used_and_cannot_be_contradicted():
    notice = "scale: none, because the network begins with Rescaling(scale=1/255)."
    metadata = replace(make_image_metadata(8, 8, 3), image={"scale": "none"}, notices=("other: x.", notice))
    for input in ({}, {"scale": "none"}):
        signature, _ = infer_with_defaults(metadata, input, RAW_OUTPUT)
        assert signature.input.scale == "none"
    assert_signature_error(
        metadata,
        'scale = "unit" is declared in model.toml or with an option, but the artifact takes scale = "none". '
        f"{notice} Remove scale.",
        {"scale": "unit"},
        RAW_OUTPUT,
    )
    message = 'scale = "symmetric" is declared by preset = "keras-mobilenet-v2", but the artifact takes scale = "none".'
    assert_signature_error(metadata, message, {"preset": "keras-mobilenet-v2"}, RAW_OUTPUT)


def test_preprocessing_that_repeats_a_layer_of_the_artifact_is_refused():
    metadata = replace(make_image_metadata(8, 8, 3), image={"scale": "none"}, notices=("scale: none, from Rescaling.",))
    message = "takes pixels from 0 to 255. scale: none, from Rescaling. Remove "
    assert_signature_error(metadata, f"{message}preset.", {"preset": "keras-resnet50"}, RAW_OUTPUT)
    assert_signature_error(metadata, f"{message}mean and std.", {"scale": "none", "mean": [1, 2, 3]}, RAW_OUTPUT)


@pytest.mark.parametrize("dtype", ["float32", "uint16"])
def test_bits_require_a_declared_scale_if_the_artifact_scales_the_values(dtype):
    metadata = replace(make_image_metadata(8, 8, 1, dtype=dtype), image={"scale": "none"})
    message = 'because bits = 12 is set and the artifact scales the pixels itself: "none" if it takes 0 to 255, or "stored"'
    assert_signature_error(metadata, message, {"bits": 12}, RAW_OUTPUT)
    for scale in ("none", "stored"):
        signature, _ = infer_with_defaults(metadata, {"bits": 12, "scale": scale}, RAW_OUTPUT)
        assert signature.input.scale == scale


def test_values_that_an_integer_cannot_hold_are_refused():
    metadata = make_image_metadata(8, 8, 1, dtype="uint8")
    assert_signature_error(metadata, "values up to 4095, which the artifact", {"bits": 12, "scale": "stored"}, RAW_OUTPUT)
    assert_signature_error(metadata, "which produces fractions", {"scale": "none", "mean": [3]}, RAW_OUTPUT)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"resize": 256}, "Expected crop with resize = 256, for the part that the model receives: crop = 8."),
        ({"resize": [9, 8]}, "Expected crop with resize = [9, 8]"),
        ({"resize": "none"}, 'Expected crop with resize = "none"'),
        ({"crop": 8}, 'Expected resize with crop: the length of the shorter side, [height, width], or "none"'),
        ({"resize": 10, "crop": 9}, "crop = 9 does not produce the size that the model takes, 8 x 8."),
        ({"resize": 10, "crop": [8, 8, 8]}, "crop = 8 does not produce"),
        ({"resize": "fit"}, "Expected resize to be one of stretch, crop, pad, none"),
        ({"resize": True}, "Expected resize to be"),
        ({"resize": 0, "crop": 8}, "Expected resize to be"),
        ({"resize": 2.5, "crop": 8}, "Expected resize to be"),
        ({"interpolation": "cubic"}, "Expected interpolation to be one of bilinear, nearest, bicubic"),
        ({"antialias": False, "interpolation": "bicubic"}, "Expected interpolation to be one of bilinear, nearest."),
        ({"antialias": 0}, "Expected antialias to be true or false. Received: 0"),
        ({"order": "rbg"}, "Expected order to be one of rgb, bgr"),
        ({"bits": 17}, "Expected bits of 1 to 16. Received: 17"),
        ({"scale": "stored"}, 'Expected bits for scale "stored"'),
        ({"background": "red"}, 'Expected background to be white, black, none, or a color such as "#808080".'),
        ({"color": "p3"}, "Expected color to be"),
        ({"std": [1, 1, 1], "scale": "none"}, "Expected 3 numbers in mean, and in std"),
    ],
)
def test_invalid_preprocessing_is_refused(declared, message):
    assert_signature_error(make_image_metadata(8, 8, 3), message, {"scale": "unit", **declared}, RAW_OUTPUT)


@pytest.mark.parametrize(
    ("declared", "shape"),
    [
        ({"resize": 20, "crop": 16}, (16, 16, 3)),
        ({"resize": 20, "crop": [16, 12]}, (16, 12, 3)),
        ({"resize": [16, 12]}, (16, 12, 3)),
        ({"resize": "none", "crop": 9}, (9, 9, 3)),
    ],
)
def test_cropping_sets_a_size_that_the_artifact_does_not_fix(declared, shape):
    for metadata in (make_image_metadata(3, None, None), ArtifactMetadata()):
        signature, _ = infer_with_defaults(metadata, {"scale": "unit", **declared}, RAW_OUTPUT)
        assert signature.input.shape == shape
        assert Signature.from_dict(signature.to_dict()) == signature
