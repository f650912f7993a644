"""What a person reads when an artifact and its model.toml contradict each other or leave something open: images."""

import pytest

from inference.tests.facts import RAW, columns, image, matrix, refuses, settled
from inference.types import ArtifactFacts


@pytest.mark.parametrize(
    ("facts", "taken", "says"),
    [
        (
            image(28, 28, 1),
            {"width": 32},
            "model.toml says an array of [28, 32, 1] (channels-last), and the artifact says [28, 28, 1].",
        ),
        (
            image(1, 28, 28),
            {"channels": 3},
            "says an array of [3, 28, 28] (channels-first), and the artifact says [1, 28, 28].",
        ),
        (
            image(None, 28, 3),
            {"height": 9, "width": 9},
            "an array of [9, 9, 3] (channels-last), and the artifact says [any, 28, 3].",
        ),
        (image(28, 28, 4), None, "Expected 1 (grey) or 3 (RGB) channels. Received: 4"),
        (
            image(28, 32, 3),
            {"layout": "channels-first"},
            'says layout = "channels-first", an array of (channels, height, width)',
        ),
        (
            image(3, 28, 32),
            {"layout": "channels-last"},
            "an array of (height, width, channels), and the artifact takes [3, 28, 32].",
        ),
        (
            image(28, 28, 3),
            {"layout": "nchw"},
            "Expected layout to be one of channels-last, channels-first. Received: 'nchw'",
        ),
        (
            image(None, None, 3),
            None,
            "Expected height and width in [input] of the signature (kind = 'image'): the model leaves",
        ),
        (
            image(28, 28),
            None,
            "It takes image float32 [28, 28]. If it is a grey picture (height, width), say kind = 'image'",
        ),
        (
            image(28, 32),
            {"kind": "image", "channels": 3},
            "an array of [28, 32, 3] (channels-last), and the artifact says [28, 32].",
        ),
        (
            matrix(784),
            {"kind": "image", "height": 28, "width": 27, "channels": 1},
            "of [756] (channels-last), and the artifact says [784].",
        ),
        (
            image(9, 28, 28, 3),
            None,
            "one image (height, width, channels) or rows of numbers. It takes image float32 [9, 28, 28, 3].",
        ),
        (
            image(9, 28, 28, 3),
            {"kind": "image"},
            "Expected a model that takes one image. It takes image float32 [9, 28, 28, 3].",
        ),
        (columns(a="float32", b="int64"), {"kind": "image"}, "takes one image. It takes a float32 [1]; b int64 [1]."),
        (
            image(8, 8, 3, dtype="uint8"),
            {"scale": "unit"},
            "scale = 'unit', which gives fractions, and the artifact takes whole numbers",
        ),
        (
            image(8, 8, 3, dtype="int8"),
            None,
            "Expected an input that holds the values 0 to 255 of a pixel. The artifact takes image int8",
        ),
        (
            image(8, 8, 3, dtype="str"),
            None,
            "Expected an input that holds the values 0 to 255 of a pixel. The artifact takes image str",
        ),
        (image(8, 8, 3), {"kind": "picture"}, "Expected kind in [input] to be one of image, tabular. Received: 'picture'"),
        (ArtifactFacts(), None, "Expected height and width in [input] of the signature (kind = 'image')"),
    ],
)
def test_an_image_that_the_artifact_does_not_take_is_refused(facts, taken, says):
    refuses(facts, says, taken, RAW)


@pytest.mark.parametrize(
    ("facts", "taken", "shape", "layout"),
    [
        (image(28, 32, 3), {}, (28, 32, 3), "channels-last"),
        (image(3, 28, 32), {}, (28, 32, 3), "channels-first"),
        (image(1, 28, 32), {}, (28, 32, 1), "channels-first"),
        (image(3, None, None), {"height": 9, "width": 8}, (9, 8, 3), "channels-first"),
        (image(None, None, 1), {"height": 9, "width": 8}, (9, 8, 1), "channels-last"),
        (image(3, 9, 3), {}, (3, 9, 3), "channels-last"),  # what could be both is what Keras and Pillow mean
        (image(3, 9, 3), {"layout": "channels-first"}, (9, 3, 3), "channels-first"),
        (image(None, 9, 8), {"layout": "channels-first"}, (9, 8, 3), "channels-first"),
        (image(28, 32), {"kind": "image"}, (28, 32, 1), "channels-last"),
        (matrix(72), {"kind": "image", "height": 9, "width": 8, "channels": 1}, (9, 8, 1), "channels-last"),
    ],
)
def test_size_and_layout_of_an_image_are_read_from_the_artifact(facts, taken, shape, layout):
    signature, _ = settled(facts, taken, RAW)
    assert (signature.input.shape, signature.input.layout) == (shape, layout)
