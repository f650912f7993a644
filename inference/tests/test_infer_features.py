"""Inference of features, and the errors when model.toml contradicts the artifact or is incomplete."""

import pytest

from inference.tests.factories import (
    RAW_OUTPUT,
    assert_signature_error,
    infer_with_defaults,
    make_column_metadata,
    make_image_metadata,
    make_matrix_metadata,
)
from inference.types import ArtifactMetadata, Tensor

TWO_FEATURES = {"features": [{"name": "a"}, {"name": "b"}]}
NAMED_FEATURES = ArtifactMetadata(features=({"name": "width"}, {"name": "height"}))


@pytest.mark.parametrize(
    ("metadata", "input", "message"),
    [
        (make_matrix_metadata(3), TWO_FEATURES, "Expected 3 features, as many as the artifact takes. model.toml has 2."),
        (make_matrix_metadata(None), None, "the artifact does not define the number of features. It takes x float32 [any]."),
        (NAMED_FEATURES, {"features": [{"name": "widht"}]}, "The artifact takes no feature 'widht'. Did you mean 'width'?"),
        (
            NAMED_FEATURES,
            {"features": [{"name": "color"}]},
            "The artifact takes no feature 'color'. It takes width, height.",
        ),
        (NAMED_FEATURES, {"features": [{"unit": "cm"}]}, "Expected a name in each [[input.features]] table."),
        (
            NAMED_FEATURES,
            {"features": [{"name": "width"}, {"name": "width"}]},
            "Feature names must be unique. model.toml has 'width' twice.",
        ),
        (
            make_column_metadata(age="float32", sex="str"),
            {"features": [{"name": "Age"}]},
            "no feature 'Age'. Did you mean 'age'?",
        ),
        (
            make_matrix_metadata(),
            {"features": ["a", "b"]},
            "Expected a list of tables in features: [[input.features]]. Received: ['a'",
        ),
        (
            make_matrix_metadata(),
            {"features": {"a": {}}},
            "Expected a list of tables in features: [[input.features]]. Received: {'a'",
        ),
        (
            make_matrix_metadata(),
            {"features": [{"name": "a", "type": "int"}, {"name": "b"}]},
            "type of a to be one of float, integer,",
        ),
        (
            make_matrix_metadata(),
            {"features": [{"name": "a", "type": []}, {"name": "b"}]},
            "type of a to be one of float, integer,",
        ),
        (
            make_matrix_metadata(),
            {**TWO_FEATURES, "height": 3},
            "Expected only features in [input] of the signature. Received: ['height']",
        ),
        (ArtifactMetadata(), {"features": []}, "Expected 1 to 10,000 features. Received: 0"),
        (
            make_image_metadata(28, 28, 1),
            TWO_FEATURES,
            "Expected 784 features, as many as the artifact takes. model.toml has 2.",
        ),
        (
            ArtifactMetadata(inputs=(Tensor("x", "float32", (None,)), Tensor("y", "float32", (3,)))),
            TWO_FEATURES,
            "for each step of each input: the artifact takes x float32 [any]; y float32 [3]. model.toml has 2.",
        ),
        (
            ArtifactMetadata(inputs=(Tensor("ids", "int64", (None,)), Tensor("mask", "int64", (None,)))),
            None,
            "the artifact does not define the number of features. It takes ids int64 [any]; mask int64 [any].",
        ),
        (
            ArtifactMetadata(inputs=(Tensor("ids", "int64", (None,)), Tensor("mask", "int64", (None,)))),
            {"features": [{"name": "a"}, {"name": "b"}, {"name": "c"}]},
            "for each step of each input: the artifact takes ids int64 [any]; mask int64 [any]. model.toml has 3.",
        ),
    ],
)
def test_declared_features_must_match_the_artifact(metadata, input, message):
    assert_signature_error(metadata, message, input, RAW_OUTPUT)


@pytest.mark.parametrize(
    ("dtype", "feature", "message"),
    [
        (
            "float32",
            {"type": "text"},
            "takes a as float, but model.toml declares text. Expected boolean or category or float or",
        ),
        ("int64", {"type": "float"}, "The artifact takes a as integer, but model.toml declares float."),
        ("bool", {"type": "integer"}, "The artifact takes a as boolean, but model.toml declares integer. Expected boolean."),
        (
            "str",
            {"type": "float"},
            "The artifact takes a as text, but model.toml declares float. Expected category or text.",
        ),
        (
            "int32",
            {"required": False},
            "Expected a default for a: the artifact takes it as integer, which cannot represent a missing value",
        ),
        (
            "bool",
            {"required": False},
            "Expected a default for a: the artifact takes it as boolean, which cannot represent a missing value",
        ),
        ("float32", {"required": False, "missing": -1}, "Expected default = -1 instead of missing for a: the artifact does"),
        ("str", {"missing": "?"}, 'Expected default = "?" instead of missing for a'),
        (
            "uint8",
            {"max": 300},
            "but the largest number that the artifact's data type can represent is 255.",
        ),
        ("int16", {"min": -4e4}, "but the smallest number that the artifact's data type can represent is -32,768."),
        ("uint8", {"default": 256}, "default of the feature a: Expected a whole number from 0 to 255. Received: 256."),
    ],
)
def test_types_that_do_not_fit_the_artifact_are_rejected(dtype, feature, message):
    input = {"features": [{"name": "a", **feature}]}
    assert_signature_error(ArtifactMetadata(inputs=(Tensor("x", dtype, (1,)),)), message, input, RAW_OUTPUT)
    assert_signature_error(make_column_metadata(a=dtype, b="float32"), message, input, RAW_OUTPUT)


@pytest.mark.parametrize(
    ("dtype", "declared", "expected"),
    [
        ("float32", {}, {"type": "float"}),
        ("float32", {"type": "integer"}, {"type": "integer", "min": -(2**24), "max": 2**24}),
        ("float16", {}, {"type": "float", "min": -65504.0, "max": 65504.0}),
        ("int64", {"max": 9}, {"type": "integer", "max": 9}),
        ("uint8", {"max": 9}, {"type": "integer", "min": 0, "max": 9}),
        ("uint8", {"type": "category", "values": ["p", "q"]}, {"type": "category", "values": ["p", "q"]}),
        ("uint64", {}, {"type": "integer", "min": 0}),
        ("int8", {"type": "boolean"}, {"type": "boolean"}),
        ("str", {}, {"type": "text"}),
        ("bool", {}, {"type": "boolean"}),
        ("int32", {"default": 2}, {"type": "integer", "min": -(2**31), "max": 2**31 - 1, "default": 2}),
        ("int64", {"required": False, "default": 2}, {"type": "integer", "default": 2}),
    ],
)
def test_features_are_completed_from_the_tensor(dtype, declared, expected):
    signature, _ = infer_with_defaults(
        make_column_metadata(a=dtype, b="float32"), {"features": [{"name": "a", **declared}]}, RAW_OUTPUT
    )
    assert signature.to_dict()["input"]["features"][0] == {"name": "a", **expected}


def test_features_are_matched_by_name_if_the_artifact_has_names_and_otherwise_by_position():
    declared = {"features": [{"name": "height", "unit": "cm"}]}
    signature, _ = infer_with_defaults(NAMED_FEATURES, declared, RAW_OUTPUT)
    assert [(feature.name, feature.unit) for feature in signature.input.features] == [("width", ""), ("height", "cm")]
    signature, _ = infer_with_defaults(
        make_matrix_metadata(), {"features": [{"name": "x1", "unit": "m"}, {"name": "x0"}]}, RAW_OUTPUT
    )
    assert [(feature.name, feature.unit) for feature in signature.input.features] == [("x0", ""), ("x1", "m")]
    signature, _ = infer_with_defaults(make_matrix_metadata(), TWO_FEATURES, RAW_OUTPUT)
    assert signature.input.names == ["a", "b"]


def test_features_of_a_vector_are_numbered_with_the_tensor_name():
    metadata = ArtifactMetadata(inputs=(Tensor("age", "int64", ()), Tensor("words", "float32", (2,))))
    signature, _ = infer_with_defaults(metadata, output=RAW_OUTPUT)
    assert [(feature.name, feature.type) for feature in signature.input.features] == [
        ("age", "integer"), ("words_0", "float"), ("words_1", "float"),
    ]  # fmt: skip
