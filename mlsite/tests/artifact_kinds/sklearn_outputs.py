"""scikit-learn models whose own decision is not the highest score, multi-label models, and classes of other types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected
from mlsite.tests.artifact_kinds.sklearn_rows import save_built, save_model, to_row

TOPICS = ("sports", "politics", "science")


def make_iris(*, noise: float = 1.0) -> tuple[Any, Any]:
    """Return noisy flowers, so that scores are seldom 0 or 1."""
    from sklearn.datasets import load_iris

    flowers, species = load_iris(return_X_y=True, as_frame=True)
    return flowers + np.random.default_rng(0).normal(0, noise, flowers.shape), species.to_numpy()


def build_classifier(make_model: Callable[[], Any], classes: Sequence[Any]) -> Callable[[Path], BuiltArtifact]:
    """Return a function that fits a classifier on classes of any type, and saves it."""

    def build(folder: Path) -> BuiltArtifact:
        flowers, species = make_iris()
        target = np.array([classes[index] for index in np.minimum(species, len(classes) - 1)])
        return save_built(folder, make_model().fit(flowers, target), flowers.iloc[40:115:5].reset_index(drop=True))

    return build


def _make_fixed_threshold() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import FixedThresholdClassifier

    return FixedThresholdClassifier(LogisticRegression(max_iter=500), threshold=0.8)


def _make_tuned_threshold() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import TunedThresholdClassifierCV

    return TunedThresholdClassifierCV(LogisticRegression(max_iter=500), scoring="recall", cv=2)


def _make_svc() -> Any:
    from sklearn.svm import SVC

    return SVC(probability=True, random_state=0)


def _make_vote() -> Any:
    from sklearn.ensemble import VotingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB

    return VotingClassifier([("a", LogisticRegression(max_iter=500)), ("b", GaussianNB())], voting="soft")


def _make_hard_vote() -> Any:
    return _make_vote().set_params(voting="hard")


def _make_stack() -> Any:
    from sklearn.ensemble import StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    first = make_pipeline(StandardScaler(), LogisticRegression())
    return StackingClassifier([("a", first), ("b", GaussianNB())], final_estimator=LogisticRegression(), cv=2)


def _make_one_vs_rest() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(LogisticRegression(max_iter=500))


def _make_logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500)


def _build_near_ties(folder: Path) -> BuiltArtifact:
    """All scores are 0.5 up to rounding errors, so the label depends on the sign of tiny numbers."""
    flowers, species = make_iris()
    model = _make_logistic().fit(flowers, species > 0)
    model.coef_, model.intercept_ = np.array([[1e-18, -2e-18, 1e-18, 0.0]]), np.zeros(1)
    return save_built(folder, model, flowers.iloc[::12].reset_index(drop=True))


def build_multi_label(make_model: Callable[[], Any], *, pickled: bool = False) -> Callable[[Path], BuiltArtifact]:
    def build(folder: Path) -> BuiltArtifact:
        flowers, species = make_iris(noise=0.5)
        target = np.column_stack([species == 0, species >= 1, flowers["sepal width (cm)"] > 3]).astype(int)
        model = make_model().fit(flowers, target)
        rows = flowers.iloc[::10].reset_index(drop=True)
        (folder / "labels.txt").write_text("\n".join(TOPICS))
        expected = [_expect_labels(model, rows.iloc[[index]]) for index in range(len(rows))]
        return BuiltArtifact(
            save_model(folder, model, pickled=pickled), [to_row(rows, index) for index in range(len(rows))], expected,
            {"labels": folder / "labels.txt", "trusted": pickled},
        )  # fmt: skip

    return build


def _expect_labels(model: Any, row: Any) -> Expected:
    scores = model.predict_proba(row)
    if isinstance(scores, list):
        scores = np.column_stack([part[:, 1] for part in scores])
    chosen = [topic for topic, is_set in zip(TOPICS, np.asarray(model.predict(row))[0], strict=True) if is_set]
    return Expected(scores=dict(zip(TOPICS, scores[0].tolist(), strict=True)), labels=chosen)


def _make_neighbors() -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    return KNeighborsClassifier(4)


def _make_multi_output() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import MultiOutputClassifier

    return MultiOutputClassifier(LogisticRegression(max_iter=500))


def _make_chain() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multioutput import ClassifierChain

    return ClassifierChain(LogisticRegression(max_iter=500), order=[2, 0, 1])


def _make_perceptron() -> Any:
    from sklearn.neural_network import MLPClassifier

    return MLPClassifier((4,), max_iter=40, random_state=0)


def build_regressor(make_model: Callable[[], Any]) -> Callable[[Path], BuiltArtifact]:
    def build(folder: Path) -> BuiltArtifact:
        flowers, _ = make_iris()
        model = make_model().fit(flowers.iloc[:, :3], np.exp(flowers.iloc[:, 3] / 2))
        return save_built(folder, model, flowers.iloc[::12, :3].reset_index(drop=True))

    return build


def _make_tree() -> Any:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=4, random_state=0)


def _make_log_target() -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.linear_model import LinearRegression

    return TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)


def _build_two_values(folder: Path) -> BuiltArtifact:
    from sklearn.linear_model import Ridge

    flowers, _ = make_iris()
    part, rows = flowers.iloc[:, :2], flowers.iloc[::20, :2].reset_index(drop=True)
    model = Ridge().fit(part, flowers.iloc[:, 2:])
    expected = [Expected(raw=model.predict(rows.iloc[[index]])[0].tolist()) for index in range(len(rows))]
    return BuiltArtifact(save_model(folder, model), [to_row(rows, index) for index in range(len(rows))], expected)


def _build_resampled(folder: Path) -> BuiltArtifact:
    from imblearn.over_sampling import RandomOverSampler
    from imblearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    flowers, species = make_iris()
    model = make_pipeline(StandardScaler(), RandomOverSampler(random_state=0), _make_logistic())
    model.fit(flowers.iloc[20:], species[20:])
    return save_built(folder, model, flowers.iloc[::12].reset_index(drop=True), pickled=True)


PAIR = ("no", "yes")
OWN_LABEL = "the label from predict()"
KINDS = (
    ArtifactKind("fixed threshold", OWN_LABEL, "", build_classifier(_make_fixed_threshold, PAIR)),
    ArtifactKind("tuned threshold", OWN_LABEL, "", build_classifier(_make_tuned_threshold, (0, 1))),
    ArtifactKind("SVC with probabilities", OWN_LABEL, "", build_classifier(_make_svc, PAIR)),
    ArtifactKind("soft vote", "classes", "", build_classifier(_make_vote, "abc")),
    ArtifactKind("hard vote", "a label without scores", "", build_classifier(_make_hard_vote, "abc")),
    ArtifactKind("stack of pipelines", OWN_LABEL, "", build_classifier(_make_stack, "abc")),
    ArtifactKind("one versus rest", OWN_LABEL, "", build_classifier(_make_one_vs_rest, "abc")),
    ArtifactKind("integer classes", "classes 3, 5, and 8", "", build_classifier(_make_logistic, (3, 5, 8))),
    ArtifactKind("boolean classes", "classes False and True", "", build_classifier(_make_logistic, (False, True))),
    ArtifactKind("float classes", "classes 1.0 and 2.0", "", build_classifier(_make_logistic, (1.0, 2.0))),
    ArtifactKind("scores near a tie", OWN_LABEL, "", _build_near_ties),
    ArtifactKind("multi-label, one versus rest", "3 labels", "labels", build_multi_label(_make_one_vs_rest)),
    ArtifactKind("multi-label neighbors", "3 labels", "labels", build_multi_label(_make_neighbors)),
    ArtifactKind("multi-label, one model each", "3 labels", "labels", build_multi_label(_make_multi_output)),
    ArtifactKind("multi-label chain", "3 labels", "labels", build_multi_label(_make_chain)),
    ArtifactKind("multi-label perceptron", "3 labels", "labels", build_multi_label(_make_perceptron)),
    ArtifactKind("regression tree", "value", "", build_regressor(_make_tree)),
    ArtifactKind("transformed target", "value", "", build_regressor(_make_log_target)),
    ArtifactKind("two values", "raw, because the model returns 2 numbers", "", _build_two_values),
    ArtifactKind("resampled pipeline", "columns, classes", "", _build_resampled, ("imblearn",)),
)
