"""Models that take one text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

TEXTS = [
    "A wonderful film, great story",
    "great GREAT great acting; I'd watch it again",
    "awful, boring and far too long",
    "Boring story.\nAwful acting.\n",
    "  fine  ",
    "Größe: 很好 שלום 🙂 great",
    "",
    "the the the",
] * 2
SENTIMENTS = np.array(["good", "good", "bad", "bad", "good", "good", "bad", "bad"] * 2)
LABELS = ["bad", "good"]
INPUTS = [*TEXTS[:8], "great but boring", "<b>awful</b>"]
MANIFEST = 'name = "kind"\nartifact = "{artifact}"\nlabels = ["bad", "good"]\n'


def expect_scores(scores: Any, labels: Sequence[str] = LABELS) -> list[Expected]:
    return [
        Expected(label=labels[int(np.argmax(row))], scores=dict(zip(labels, map(float, row), strict=True))) for row in scores
    ]


def fit_pipeline(vectorizer: Any) -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(vectorizer, LogisticRegression(C=10)).fit(TEXTS, SENTIMENTS)


def _build_tfidf(folder: Path) -> BuiltArtifact:
    import skops.io
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = fit_pipeline(TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True))
    skops.io.dump(model, folder / "tfidf.skops")
    return BuiltArtifact(folder / "tfidf.skops", INPUTS, expect_scores(model.predict_proba(INPUTS)))


def _build_hashing(folder: Path) -> BuiltArtifact:
    import joblib
    from sklearn.feature_extraction.text import HashingVectorizer

    model = fit_pipeline(HashingVectorizer(n_features=256, analyzer="char_wb", ngram_range=(1, 3)))
    joblib.dump(model, folder / "hashing.joblib")
    return BuiltArtifact(folder / "hashing.joblib", INPUTS, expect_scores(model.predict_proba(INPUTS)), {"trusted": True})


def _build_search(folder: Path) -> BuiltArtifact:
    import joblib
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import RidgeCV
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    pipeline = make_pipeline(CountVectorizer(), RidgeCV())
    lengths = [len(text) for text in TEXTS]
    search = GridSearchCV(pipeline, {"countvectorizer__lowercase": [True, False]}, cv=2).fit(TEXTS, lengths)
    joblib.dump(search, folder / "search.pkl")
    expected = [Expected(value=float(value)) for value in search.predict(INPUTS)]
    return BuiltArtifact(folder / "search.pkl", INPUTS, expected, {"trusted": True})


def _build_keras_vectorization(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(1)
    words = keras.layers.TextVectorization(max_tokens=40, output_mode="tf_idf")
    words.adapt(TEXTS)
    network = keras.Sequential([keras.Input((), dtype="string"), words, keras.layers.Dense(2, activation="softmax")])
    return _save_network(network, folder)


def _build_keras_embedding(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(2)
    words = keras.layers.TextVectorization(max_tokens=40, output_sequence_length=6)
    words.adapt(TEXTS)
    text = keras.Input((1,), dtype="string", name="review")
    mean = keras.layers.GlobalAveragePooling1D()(keras.layers.Embedding(40, 8)(words(text)))
    return _save_network(keras.Model(text, keras.layers.Dense(2, activation="softmax")(mean)), folder)


def _build_keras_lookup(folder: Path) -> BuiltArtifact:
    import keras

    keras.utils.set_random_seed(3)
    lookup = keras.layers.StringLookup(vocabulary=["", "the the the", "  fine  "], output_mode="one_hot")
    network = keras.Sequential([keras.Input((1,), dtype="string"), lookup, keras.layers.Dense(2, activation="softmax")])
    return _save_network(network, folder)


def _save_network(network: Any, folder: Path) -> BuiltArtifact:
    import tensorflow as tf

    network.save(folder / "network.keras")
    (folder / "labels.txt").write_text("bad\ngood\n")
    batch = tf.constant(INPUTS) if len(network.inputs[0].shape) == 1 else tf.constant([[text] for text in INPUTS])
    scores = network.predict(batch, verbose=0)
    return BuiltArtifact(folder / "network.keras", INPUTS, expect_scores(scores), {"labels": folder / "labels.txt"})


def _build_saved_model(folder: Path) -> BuiltArtifact:
    import tensorflow as tf

    class Lengths(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
        def serve(self, texts):
            length = tf.cast(tf.strings.length(texts, "UTF8_CHAR"), tf.float32)
            return {"scores": tf.nn.softmax(tf.stack([length / 10, tf.fill(tf.shape(length), 1.5)], axis=1))}

    module = Lengths()
    tf.saved_model.save(module, str(folder / "lengths"), signatures=module.serve)
    (folder / "model.toml").write_text(MANIFEST.format(artifact="lengths"))
    scores = module.serve(tf.constant(INPUTS))["scores"].numpy()
    return BuiltArtifact(folder, INPUTS, expect_scores(scores), {"trusted": True})


def _build_onnx_tfidf(folder: Path) -> BuiltArtifact:
    import onnxruntime
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import StringTensorType
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = fit_pipeline(TfidfVectorizer(lowercase=False, token_pattern="[a-zA-Z]+"))
    options = {id(model): {"zipmap": False}}
    converted = to_onnx(model, initial_types=[("review", StringTensorType([None, 1]))], options=options)
    data = converted.SerializeToString()
    (folder / "tfidf.onnx").write_bytes(data)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    scores = session.run(["probabilities"], {"review": np.array(INPUTS, object).reshape(-1, 1)})[0]
    (folder / "labels.txt").write_text("bad\ngood\n")
    return BuiltArtifact(folder / "tfidf.onnx", INPUTS, expect_scores(scores), {"labels": folder / "labels.txt"})


def _build_mlflow_column(folder: Path) -> BuiltArtifact:
    import mlflow
    import pandas as pd

    class Reviews(mlflow.pyfunc.PythonModel):
        def predict(self, context, model_input, params=None):
            return model_input["review"].str.count("great").astype("float64").to_numpy()

    columns = mlflow.types.Schema([mlflow.types.ColSpec("string", "review")])
    value = mlflow.types.Schema([mlflow.types.ColSpec("double", "score")])
    signature = mlflow.models.ModelSignature(columns, value)
    mlflow.pyfunc.save_model(folder / "reviews", python_model=Reviews(), signature=signature)
    expected = mlflow.pyfunc.load_model(str(folder / "reviews")).predict(pd.DataFrame({"review": INPUTS}))
    (folder / "model.toml").write_text('name = "kind"\nartifact = "reviews"\n[output]\nkind = "value"\n')
    return BuiltArtifact(folder, INPUTS, [Expected(value=float(value)) for value in expected], {"trusted": True})


KINDS = (
    ArtifactKind("text pipeline (Tfidf, skops)", "kind text, from the vectorizer; classes", "", _build_tfidf),
    ArtifactKind(
        "text pipeline (hashed n-grams, joblib)", "kind text, from the vectorizer; classes", "trusted", _build_hashing
    ),
    ArtifactKind("search over a text regression (pickle)", "kind text, through the search; value", "trusted", _build_search),
    ArtifactKind("Keras TextVectorization", "kind text, from the string input ()", "labels", _build_keras_vectorization),
    ArtifactKind("Keras TextVectorization + Embedding", "kind text, from (1,)", "labels", _build_keras_embedding),
    ArtifactKind("Keras StringLookup", "kind text, from the string input (1,)", "labels", _build_keras_lookup),
    ArtifactKind("SavedModel of strings", "kind text, from the string input", "labels, trusted", _build_saved_model),
    ArtifactKind("ONNX Tfidf", "kind text, from the string input", "labels", _build_onnx_tfidf, ("skl2onnx",)),
    ArtifactKind(
        "MLflow column of strings", "kind text, from the signature", "output, trusted", _build_mlflow_column, ("mlflow",)
    ),
)
