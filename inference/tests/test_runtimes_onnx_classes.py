"""Class names, labels, and pixel scales that are read from ONNX graphs."""

import numpy as np
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.multioutput import MultiOutputClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC, LinearSVC

from inference.errors import InvalidSignature
from inference.runtimes.onnx import OnnxRuntime
from inference.tests.factories import (
    assert_not_served,
    get_scores,
    make_onnx_model,
    predict_row,
    run_batch,
    serve_artifact,
    write_onnx,
)

pytestmark = [
    pytest.mark.xdist_group("onnx"),
    pytest.mark.filterwarnings("ignore:Attribute `prob:FutureWarning"),  # skl2onnx reads a deprecated attribute of SVC
]
IRIS, SPECIES = load_iris(return_X_y=True)
NUMBERS = SPECIES * 2 + 3
NAMES = np.array(["setosa", "versicolor", "virginica"])[SPECIES]
LARGE = np.stack([IRIS[:, 0] > 5.8, IRIS[:, 2] > 4], axis=1).astype(int)  # two labels per row
SAMPLE = IRIS[::30]
ROWS = [{f"x{index}": value for index, value in enumerate(row)} for row in SAMPLE.tolist()]


def convert(model, folder, **options):
    types = [("X", FloatTensorType([None, 4]))]
    proto = to_onnx(model, initial_types=types, options={id(model): options} if options else None)
    return write_onnx(proto, folder / "model.onnx")


def describe(path):
    runtime = OnnxRuntime(path)
    runtime.load()
    return runtime.describe()


@pytest.mark.parametrize("classes", [NUMBERS, NAMES])
@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize(
    "model",
    [LogisticRegression(max_iter=500), RandomForestClassifier(5), GaussianNB(), KNeighborsClassifier()],
    ids=lambda model: type(model).__name__,
)
def test_classes_are_read_from_the_graph(tmp_path, model, zipmap, classes):
    model.fit(IRIS, classes)
    with serve_artifact(convert(model, tmp_path, zipmap=zipmap)) as predictor:
        assert predictor.spec.labels == tuple(map(str, model.classes_))
        results = [predict_row(predictor, row) for row in ROWS]
    assert [result.label for result in results] == list(map(str, model.predict(SAMPLE)))
    for result, scores in zip(results, model.predict_proba(SAMPLE), strict=True):
        assert result.output["scores"] == pytest.approx(dict(zip(map(str, model.classes_), scores, strict=True)), abs=1e-5)


@pytest.mark.parametrize("classes", [NUMBERS, NAMES, LARGE[:, 0]], ids=["numbers", "names", "two"])
def test_each_class_can_have_an_output_of_its_own(tmp_path, classes):
    model = LogisticRegression(max_iter=500).fit(IRIS, classes)
    with serve_artifact(convert(model, tmp_path, zipmap="columns")) as predictor:
        results = [predict_row(predictor, row) for row in ROWS]
    assert [result.label for result in results] == list(map(str, model.predict(SAMPLE)))
    for result, scores in zip(results, model.predict_proba(SAMPLE), strict=True):
        assert result.output["scores"] == pytest.approx(dict(zip(map(str, model.classes_), scores, strict=True)), abs=1e-5)


@pytest.mark.parametrize("classes", [NAMES, np.where(NAMES == "setosa", "setosa", "other")], ids=["three", "two"])
@pytest.mark.parametrize("model", [LinearSVC(), SVC()], ids=lambda model: type(model).__name__)
def test_decision_values_are_not_scores(tmp_path, model, classes):
    model.fit(IRIS, classes)
    path = convert(model, tmp_path)
    with serve_artifact(path) as predictor:
        assert predictor.spec.signature.output.kind == "label"
        assert [predict_row(predictor, row).label for row in ROWS] == list(model.predict(SAMPLE))
    assert "are not probabilities" in describe(path).notices[1]


def test_columns_of_decision_values_are_not_scores(tmp_path):
    model = SVC().fit(IRIS, NAMES)
    with serve_artifact(convert(model, tmp_path, zipmap="columns")) as predictor:
        assert [predict_row(predictor, row).output for row in ROWS] == [{"label": name} for name in model.predict(SAMPLE)]


@pytest.mark.parametrize("model", [RandomForestClassifier(5, random_state=0), MultiOutputClassifier(LogisticRegression())])
def test_each_label_of_a_multi_label_model_has_a_score(tmp_path, model):
    model.fit(IRIS, LARGE)
    with serve_artifact(convert(model, tmp_path, zipmap=False), labels=("long", "wide")) as predictor:
        assert predictor.spec.signature.output.kind == "labels"
        results = [predict_row(predictor, row).output for row in ROWS]
        batch_output = run_batch(predictor, ROWS)
    expected = np.stack([pair[:, 1] for pair in model.predict_proba(SAMPLE)], axis=1)
    assert np.abs(batch_output["probabilities"] - expected).max() < 1e-5
    for output, scores, decisions in zip(results, expected, model.predict(SAMPLE), strict=True):
        assert list(output["scores"].values()) == pytest.approx(scores, abs=1e-5)
        assert output["labels"] == [name for name, decision in zip(("long", "wide"), decisions, strict=True) if decision]


def test_classes_of_several_outputs_are_not_derived(tmp_path):
    model = RandomForestClassifier(5).fit(IRIS, LARGE + 1)  # two outputs with the classes 1 and 2
    assert describe(convert(model, tmp_path, zipmap=False)).output == {}


@pytest.mark.parametrize(
    ("nodes", "expected"),
    [
        ([("Div", "x", "c255")], "none"),
        ([("Mul", "c_third", "x")], ""),
        ([("Mul", "x", "c1_255")], "none"),
        ([("Cast", "x"), ("Div", "y0", "c255")], "none"),
        ([("Sub", "x", "c_mean")], "none"),
        ([("Sub", "x", "c_unit_mean")], ""),
        ([("Sub", "x", "c_unit_mean"), ("Div", "y0", "c_unit_std")], "unit"),
        ([("Sub", "x", "c_unit_mean"), ("Mul", "y0", "c_third")], ""),  # 1 / 0.3 is no standard deviation
        ([("Sub", "x", "c_unit_mean"), ("Relu", "y0")], ""),
        ([("Div", "c255", "x")], ""),
        ([("Relu", "x")], ""),
    ],
)
def test_scale_is_derived_only_if_the_graph_scales_pixels(tmp_path, nodes, expected):
    constants = {
        "c255": np.float32([255]),
        "c_third": np.float32([0.3]),
        "c1_255": np.float32([1 / 255]),
        "c_mean": np.float32([123.68, 116.78, 103.94]),
        "c_unit_mean": np.float32([0.485, 0.456, 0.406]),
        "c_unit_std": np.float32([0.229, 0.224, 0.225]),
    }
    last = len(nodes) - 1
    made = [
        helper.make_node(kind, inputs, ["y" if index == last else f"y{index}"], **({"to": 1} if kind == "Cast" else {}))
        for index, (kind, *inputs) in enumerate(nodes)
    ]
    shape = ["n", 4, 4, 3]
    used = {name: array for name, array in constants.items() if any(name in node[1:] for node in nodes)}
    model = make_onnx_model(made, [["x", TensorProto.FLOAT, shape]], [["y", TensorProto.FLOAT, shape]], **used)
    metadata = describe(write_onnx(model, tmp_path / "image.onnx"))
    assert metadata.image.get("scale", "") == expected
    assert bool(metadata.notices) == bool(expected)


def test_sorted_scores_have_no_labels(tmp_path):
    """The indices of two classes, 0 and 1, look like the decisions of a multi-label model."""
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["scores"], axis=1),
        helper.make_node("TopK", ["scores", "count"], ["highest", "indices"], axis=1),
    ]
    outputs = [["highest", TensorProto.FLOAT, ["n", 2]], ["indices", TensorProto.INT64, ["n", 2]]]
    weights = {"weights": np.float32([[1, -1], [-2, 1]]), "count": np.array([2])}
    path = write_onnx(make_onnx_model(nodes, [["x", TensorProto.FLOAT, ["n", 2]]], outputs, **weights), tmp_path / "m.onnx")
    assert_not_served(path, "export the model without TopK", InvalidSignature, labels=("low", "high"))
    with serve_artifact(path) as predictor:
        assert predict_row(predictor, {"x0": 0, "x1": 3}).output["raw"]["indices"] == [1, 0]
    outputs.append(["scores", TensorProto.FLOAT, ["n", 2]])
    path = write_onnx(make_onnx_model(nodes, [["x", TensorProto.FLOAT, ["n", 2]]], outputs, **weights), tmp_path / "m.onnx")
    with serve_artifact(path, labels=("low", "high"), output={"name": "scores"}) as predictor:
        assert predict_row(predictor, {"x0": 0, "x1": 3}).label == "high"


@pytest.mark.parametrize("classes", [[1, 2], [3, 5], [0, 1]])
def test_label_of_boosted_trees_is_a_class(tmp_path, classes):
    """onnxruntime returns 0 or 1 as the label of CatBoost's trees. With the classes 1 and 2, 1 would be the wrong class."""
    tree = {"nodes_treeids": [0] * 3, "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0] * 3, "nodes_values": [0.0] * 3}
    tree |= {"nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0], "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"]}
    leaves = {"class_treeids": [0] * 4, "class_nodeids": [1, 1, 2, 2], "class_ids": [0, 1, 0, 1]}
    leaves["class_weights"] = [2.0, -2.0, -1.0, 1.0]
    options = {"classlabels_int64s": classes, "post_transform": "LOGISTIC", "domain": "ai.onnx.ml"}
    node = helper.make_node("TreeEnsembleClassifier", ["x"], ["label", "scores"], **tree, **leaves, **options)
    outputs = [["label", TensorProto.INT64, ["n"]], ["scores", TensorProto.FLOAT, ["n", 2]]]
    model = make_onnx_model([node], [["x", TensorProto.FLOAT, ["n", 1]]], outputs)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 1))
    with serve_artifact(write_onnx(model, tmp_path / "model.onnx")) as predictor:
        results = [predict_row(predictor, {"x0": number}) for number in (-1, 1)]
    assert [result.label for result in results] == list(map(str, classes))
    assert [result.confidence for result in results] == pytest.approx([1 / (1 + np.exp(-2)), 1 / (1 + np.exp(-1))], abs=1e-5)


@pytest.mark.parametrize(("width", "labels", "kind"), [(1, ("no", "yes"), "classes"), (3, ("a", "b", "c"), "labels")])
def test_final_sigmoid_is_not_applied_again(tmp_path, width, labels, kind):
    """PyTorch often removes the last axis after the activation."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["logits"]),
        helper.make_node("Sigmoid", ["logits"], ["scores"]),
        helper.make_node("Reshape", ["scores", "shape"], ["y"]),
    ]
    weights = {"w": np.eye(4, width, dtype=np.float32), "shape": np.array([-1] if width == 1 else [-1, width])}
    shape = [None] if width == 1 else [None, width]
    ends = [["x", TensorProto.FLOAT, [None, 4]]], [["y", TensorProto.FLOAT, shape]]
    path = write_onnx(make_onnx_model(nodes, *ends, **weights), tmp_path / "sigmoid.onnx")
    with serve_artifact(path, labels=labels) as predictor:
        assert predictor.spec.signature.output.kind == kind
        scores = get_scores(predict_row(predictor, {"x0": 2.0, "x1": -1.0, "x2": 0.0, "x3": 9.0}))
    expected = 1 / (1 + np.exp([-2.0, 1.0, 0.0]))
    assert scores == pytest.approx([1 - expected[0], expected[0]] if width == 1 else expected, abs=1e-6)
    assert_not_served(path, "Expected (two )?labels", InvalidSignature)


def write_with_metadata(folder, *, shape=(None, 3), **properties):
    """Write a network with softmax, and metadata as Ultralytics writes it."""
    inputs, outputs = ([[name, TensorProto.FLOAT, list(shape)]] for name in "xy")
    proto = make_onnx_model([helper.make_node("Softmax", ["x"], ["y"], axis=1)], inputs, outputs)
    helper.set_model_props(proto, {"author": "Ultralytics", "stride": "1", **properties})
    return write_onnx(proto, folder / "model.onnx")


@pytest.mark.parametrize("task", [{"task": "classify"}, {}])
def test_classes_are_read_from_the_metadata(tmp_path, task):
    path = write_with_metadata(tmp_path, names="""{0: 'cat', 2: "cow's calf", 1: 'O\\'Neil, 5: "x"'}""", **task)
    with serve_artifact(path) as predictor:
        result = predict_row(predictor, {"x0": 0.0, "x1": 2.0, "x2": 1.0})
    assert predictor.spec.labels == ("cat", """O'Neil, 5: "x\"""", "cow's calf")
    assert result.label == predictor.spec.labels[1]
    assert_not_served(path, "in another order", InvalidSignature, labels=("cow's calf", "cat", "dog"))
    with serve_artifact(path, labels=("a", "b", "c")) as predictor:
        assert predictor.spec.labels == ("a", "b", "c")


@pytest.mark.parametrize(
    "metadata",
    [
        {"task": "detect"},
        {"shape": (None, 3, 4)},
        {"names": "{0: 'cat', 1: 'dog'}"},
        {"names": "{1: 'cat', 2: 'dog', 3: 'cow'}"},
        {"names": "{0: 'cat', 1: 'dog', 2: '\\x'}"},
        {"names": "cat, dog, cow"},
        {"names": f"{{{'9' * 5000}: 'cat'}}"},
    ],
)
def test_other_metadata_names_no_classes(tmp_path, metadata):
    path = write_with_metadata(tmp_path, **{"names": "{0: 'cat', 1: 'dog', 2: 'cow'}", **metadata})
    assert describe(path).labels == ()
