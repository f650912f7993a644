"""Inference of text inputs, and of images with features."""

import numpy as np
import pytest

from inference.errors import InvalidInput, InvalidSignature
from inference.preprocessing import collate_items, make_sample_input, prepare_input
from inference.signature import ImageTabularInput, Signature, TextInput
from inference.tensors import to_tensors
from inference.tests.factories import RAW_OUTPUT, assert_signature_error, infer_with_defaults, make_image_metadata
from inference.types import ArtifactMetadata, ImageRow, Tensor

COLUMN = ArtifactMetadata(features=({"name": "review", "type": "text"},))
PHOTO = Tensor("photo", "float32", (8, 9, 3))
UNSCALED = {"scale": "none"}
AGE, SIZES = Tensor("age", "int64", (1,)), Tensor("sizes", "float32", (2,))


def make_metadata(*tensors):
    return ArtifactMetadata(inputs=tensors)


@pytest.mark.parametrize(
    ("metadata", "declared", "kind", "name"),
    [
        (make_metadata(Tensor("review", "str", ())), None, "text", "review"),
        (make_metadata(Tensor("review", "str", (1,))), {"max_length": 5}, "text", "review"),
        (COLUMN, None, "text", "review"),
        (ArtifactMetadata(), {"kind": "text"}, "text", "text"),
        (COLUMN, {"kind": "tabular"}, "tabular", None),
        (make_metadata(Tensor("review", "str", (1,))), {"features": [{"name": "review", "type": "text"}]}, "tabular", None),
        (make_metadata(Tensor("words", "str", (3,))), None, "tabular", None),
        (make_metadata(Tensor("a", "str", (1,)), Tensor("b", "str", (1,))), None, "tabular", None),
        (ArtifactMetadata(features=({"name": "age", "type": "integer"},)), None, "tabular", None),
        (make_metadata(PHOTO, AGE), UNSCALED, "image-tabular", None),
        (make_metadata(AGE, PHOTO, SIZES), {"scale": "none"}, "image-tabular", None),
        (make_metadata(PHOTO, SIZES), UNSCALED | {"features": [{"name": "a"}, {"name": "b"}]}, "image-tabular", None),
        (make_image_metadata(8, 8, 3), UNSCALED, "image", None),
    ],
)
def test_the_kind_follows_from_the_artifact_and_what_is_declared(metadata, declared, kind, name):
    signature, _ = infer_with_defaults(metadata, declared, RAW_OUTPUT)
    assert signature.input.kind == kind
    assert name is None or signature.input.name == name
    assert Signature.from_dict(signature.to_dict()) == signature


def test_one_number_for_a_text_is_not_taken_for_a_value():
    metadata = ArtifactMetadata(inputs=(Tensor("review", "str", ()),), outputs=(Tensor("out", "float32", (1,)),))
    assert_signature_error(metadata, "Expected labels, in model.toml or with --labels FILE")


def test_features_of_an_image_are_named_by_their_tensors_or_declared():
    signature, _ = infer_with_defaults(make_metadata(AGE, PHOTO, SIZES), UNSCALED, RAW_OUTPUT)
    assert [(feature.name, feature.type) for feature in signature.input.features] == [
        *(("age", "integer"), ("sizes_0", "float"), ("sizes_1", "float")),
    ]
    assert signature.input.image.shape == (8, 9, 3)


@pytest.mark.parametrize(
    ("metadata", "declared", "message"),
    [
        (make_metadata(Tensor("x", "float32", (3,))), {"kind": "text"}, "takes one text. It takes x float32 [3]."),
        (make_metadata(Tensor("words", "str", (3,))), {"kind": "text"}, "takes one text. It takes words str [3]."),
        (
            make_metadata(Tensor("input_ids", "int64", (None,))),
            {"kind": "text"},
            "takes one text. It takes input_ids int64 [any]. The model takes tokens instead of text.",
        ),
        (
            make_metadata(Tensor("input_ids", "int64", (None,)), Tensor("attention_mask", "int64", (None,))),
            {},
            "attention_mask int64 [any]. The model takes tokens instead of text.",
        ),
        (
            ArtifactMetadata(features=({"name": "a"}, {"name": "b"})),
            {"kind": "text"},
            "It takes the features a, b. Set kind =",
        ),
        (COLUMN, {"max_length": 0}, "Expected max_length from 1 to 100,000 in [input]. Received: 0"),
        (COLUMN, {"max_length": True}, "Received: True"),
        (COLUMN, {"max_length": 3, "example": "long"}, "example in [input]: Expected text of at most 3 characters."),
        (COLUMN, {"example": "a\0"}, "example in [input]: Expected text without NUL"),
        (COLUMN, {"title": 5}, "Expected a string in [input] of the signature. Received: 5"),
        (COLUMN, {"height": 5}, "Received: ['height']"),
        (make_metadata(SIZES), {"kind": "image-tabular"}, "one image and at least one input for features. It takes sizes"),
        (
            make_metadata(PHOTO),
            {"kind": "image-tabular"},
            "at least one input for features. It takes photo float32 [8, 9, 3].",
        ),
        (ArtifactMetadata(features=({"name": "a"},)), {"kind": "image-tabular"}, "It takes features only."),
        (make_metadata(PHOTO, PHOTO, AGE), {"kind": "image-tabular"}, "at least one input for features. It takes photo"),
        (make_metadata(PHOTO, SIZES), {"features": [{"name": "a"}]}, "Expected 2 features, as many as the artifact takes."),
        (make_metadata(PHOTO, AGE), {"height": 9}, "declares an array of [9, 9, 3]"),
        (ArtifactMetadata(), {"kind": "image-tabular", "height": 8, "width": 8}, "Expected 1 to 10,000 features"),
    ],
)
def test_inputs_must_match_the_artifact(metadata, declared, message):
    assert_signature_error(metadata, message, declared, RAW_OUTPUT)


@pytest.mark.parametrize(
    ("value", "code"),
    [(5, "wrong-type"), (None, "wrong-type"), ("a\0", "wrong-type"), ("\ud800", "wrong-type"), ("abcd", "too-long")],
)
def test_a_text_is_validated(value, code):
    with pytest.raises(InvalidInput) as caught:
        TextInput(max_length=3).read(value)
    assert (caught.value.code, caught.value.field) == (code, "text")
    assert TextInput(max_length=3).read("🙂🙂🙂") == "🙂🙂🙂"


@pytest.mark.parametrize(("shape", "expected"), [((), ["a", "b\n"]), ((1,), [["a"], ["b\n"]])])
def test_texts_are_one_string_tensor(shape, expected):
    signature = TextInput(name="review")
    batch = collate_items(signature, [prepare_input(signature, text) for text in ("a", "b\n")])
    assert list(batch.columns) == ["review"]
    (array,) = to_tensors(batch, [Tensor("review", "str", shape)])
    assert array.tolist() == expected
    assert make_sample_input(TextInput(max_length=2)) == "ex"


def test_images_and_features_are_passed_to_their_tensors():
    signature = ImageTabularInput.from_dict(
        {
            "height": 8,
            "width": 9,
            "scale": "none",
            "features": [{"name": "age", "type": "integer"}, {"name": "w"}, {"name": "h"}],
        }
    )
    sample = make_sample_input(signature)
    rows = [{"age": 1, "w": 2.0, "h": 3.0}, {"age": 4, "w": 5.0, "h": 6.0}]
    sample.image.paste("red", (0, 0, 1, 1))
    batch = collate_items(signature, [prepare_input(signature, ImageRow(sample.image, row)) for row in rows])
    assert len(batch) == 2
    sizes, photo, age = to_tensors(batch, [AGE, PHOTO, SIZES])[::-1]
    assert (age.tolist(), age.dtype) == ([[1], [4]], np.int64)
    assert sizes.tolist() == [[2.0, 3.0], [5.0, 6.0]]
    assert photo.shape == (2, 8, 9, 3)
    assert photo[1, 0, 0].tolist() == [255, 0, 0]


def test_a_declared_input_without_features_is_rejected():
    with pytest.raises(InvalidSignature, match="Expected features"):
        ImageTabularInput.from_dict({"height": 8, "width": 8})
