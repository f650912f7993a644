"""What a person reads when an artifact and its model.toml contradict each other or leave something open: features."""

import pytest

from inference.tests.facts import RAW, columns, image, matrix, refuses, settled
from inference.types import ArtifactFacts, Tensor

TWO = {"features": [{"name": "a"}, {"name": "b"}]}
NAMED = ArtifactFacts(features=({"name": "width"}, {"name": "height"}))


@pytest.mark.parametrize(
    ("facts", "taken", "says"),
    [
        (matrix(3), TWO, "Expected 3 features, as many as the artifact takes. model.toml has 2."),
        (matrix(None), None, "the artifact leaves open how many it takes. It takes x float32 [any]."),
        (NAMED, {"features": [{"name": "widht"}]}, "The artifact takes no feature 'widht'. Did you mean 'width'?"),
        (NAMED, {"features": [{"name": "colour"}]}, "The artifact takes no feature 'colour'. It takes width, height."),
        (NAMED, {"features": [{"unit": "cm"}]}, "Expected a name in each of [[input.features]]."),
        (NAMED, {"features": [{"name": "width"}, {"name": "width"}]}, "different names. model.toml has 'width' twice."),
        (columns(age="float32", sex="str"), {"features": [{"name": "Age"}]}, "no feature 'Age'. Did you mean 'age'?"),
        (matrix(), {"features": ["a", "b"]}, "Expected a list of tables in features: [[input.features]]. Received: ['a'"),
        (matrix(), {"features": {"a": {}}}, "Expected a list of tables in features: [[input.features]]. Received: {'a'"),
        (matrix(), {"features": [{"name": "a", "type": "int"}, {"name": "b"}]}, "type of a to be one of float, integer,"),
        (matrix(), {"features": [{"name": "a", "type": []}, {"name": "b"}]}, "type of a to be one of float, integer,"),
        (matrix(), {**TWO, "height": 3}, "Expected only features in [input] of the signature. Received: ['height']"),
        (ArtifactFacts(), {"features": []}, "Expected 1 to 5000 features. Received: 0"),
        (image(28, 28, 1), TWO, "to take rows of features. The artifact takes image float32 [28, 28, 1]."),
        (
            ArtifactFacts(inputs=(Tensor("x", "float32", (None,)), Tensor("y", "float32", (3,)))),
            TWO,
            "Expected more features: the artifact takes x float32 [any]; y float32 [3]. model.toml has 2.",
        ),
    ],
)
def test_features_that_the_artifact_does_not_take_are_named(facts, taken, says):
    refuses(facts, says, taken, RAW)


@pytest.mark.parametrize(
    ("dtype", "feature", "says"),
    [
        (
            "float32",
            {"type": "text"},
            "takes a as float, and model.toml says text. Expected boolean or category or float or",
        ),
        ("int64", {"type": "float"}, "The artifact takes a as integer, and model.toml says float."),
        ("bool", {"type": "integer"}, "The artifact takes a as boolean, and model.toml says integer. Expected boolean."),
        ("str", {"type": "float"}, "The artifact takes a as text, and model.toml says float. Expected category or text."),
        ("int32", {"required": False}, "Expected a default for a: the artifact takes it as integer, which has no missing"),
        ("bool", {"required": False}, "Expected a default for a: the artifact takes it as boolean, which has no missing"),
        (
            "uint8",
            {"max": 300},
            "model.toml says max = 300 for a, and the type that the artifact takes it as holds numbers of at",
        ),
        ("uint8", {"max": 300}, "holds numbers of at most 255."),
        ("int16", {"min": -4e4}, "holds numbers of at least -32,768."),
        ("uint8", {"default": 256}, "default of the feature a: Expected a whole number from 0 to 255. Received: 256."),
    ],
)
def test_a_type_that_the_artifact_cannot_hold_is_refused(dtype, feature, says):
    taken = {"features": [{"name": "a", **feature}]}
    refuses(ArtifactFacts(inputs=(Tensor("x", dtype, (1,)),)), says, taken, RAW)
    refuses(columns(a=dtype, b="float32"), says, taken, RAW)


@pytest.mark.parametrize(
    ("dtype", "told", "expected"),
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
def test_a_feature_is_completed_by_what_its_tensor_holds(dtype, told, expected):
    signature, _ = settled(columns(a=dtype, b="float32"), {"features": [{"name": "a", **told}]}, RAW)
    assert signature.to_dict()["input"]["features"][0] == {"name": "a", **expected}


def test_features_are_told_by_name_where_the_artifact_has_names_and_in_order_where_not():
    told = {"features": [{"name": "height", "unit": "cm"}]}
    signature, _ = settled(NAMED, told, RAW)
    assert [(one.name, one.unit) for one in signature.input.features] == [("width", ""), ("height", "cm")]
    signature, _ = settled(matrix(), {"features": [{"name": "x1", "unit": "m"}, {"name": "x0"}]}, RAW)
    assert [(one.name, one.unit) for one in signature.input.features] == [("x0", ""), ("x1", "m")]
    signature, _ = settled(matrix(), TWO, RAW)
    assert signature.input.names == ["a", "b"]


def test_a_vector_beside_a_scalar_is_numbered_under_its_own_name():
    facts = ArtifactFacts(inputs=(Tensor("age", "int64", ()), Tensor("words", "float32", (2,))))
    signature, _ = settled(facts, output=RAW)
    assert [(one.name, one.type) for one in signature.input.features] == [
        ("age", "integer"), ("words_0", "float"), ("words_1", "float"),
    ]  # fmt: skip
