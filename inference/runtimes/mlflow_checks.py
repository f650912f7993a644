"""Find native models that cannot predict from the data frame that MLflow passes to them."""

from __future__ import annotations

from typing import Any

import numpy as np

from inference.errors import InvalidArtifact
from inference.runtimes.mlflow_columns import get_type_name
from inference.runtimes.mlflow_native import NativeModel

# Libraries that do not take text, and how to save their models with the categories.
CATEGORY_STEPS = {
    "mlflow.xgboost": ("XGBoost", 'model.save_model("model.ubj")'),
    "mlflow.lightgbm": ("LightGBM", '(getattr(model, "booster_", None) or model).save_model("model.txt")'),
}
SAMPLE_TEXTS = ("a first text", "another one")


def check_text_columns(pyfunc: Any, native: NativeModel, schema: Any) -> None:
    """Check that the native model takes the text columns of its signature.

    Raises:
        InvalidArtifact: it does not. The message contains the step that helps.
    """
    names = [str(spec.name or index) for index, spec in enumerate(schema.inputs) if get_type_name(spec) == "string"]
    if names and native.loader in CATEGORY_STEPS:
        library, step = CATEGORY_STEPS[native.loader]
        raise InvalidArtifact(
            f"MLflow passes the column {names[0]} as text, but {library} takes categories or numbers. Save the model "
            f"without MLflow and register that file: {step}"
        )
    if len(names) == len(schema.inputs) == 1 and native.takes_texts and not _predicts_each_row(pyfunc, schema):
        raise InvalidArtifact(
            "The model begins with a vectorizer, which takes a list of texts. MLflow passes a data frame, because the "
            "signature has a column, and the prediction would not depend on the text. Save the model with "
            "signature=infer_signature(np.array(texts), model.predict(texts)), or save it without MLflow: "
            'skops.io.dump(model, "model.skops")'
        )


def _predicts_each_row(pyfunc: Any, schema: Any) -> bool:
    """Return whether two rows of text have two predictions: a step before the vectorizer can select the column."""
    import pandas as pd

    try:
        predicted = pyfunc.predict(pd.DataFrame({schema.inputs[0].name or 0: SAMPLE_TEXTS}))
    # The model's own code can raise any exception.
    except Exception:
        return False
    return len(np.atleast_1d(np.asarray(predicted))) == len(SAMPLE_TEXTS)
