"""Train the diabetes example: an ONNX model that predicts the progression of diabetes from ten measurements.

    python examples/diabetes/train.py      # requires skl2onnx from requirements-dev.txt

The data is included in scikit-learn. A fifth of the rows is held out for the metrics in MODEL_CARD.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnxruntime
import pandas as pd
import sklearn
from skl2onnx import to_onnx
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
SEED = 20261121
FEATURE_NAMES = [
    "age",
    "sex",
    "bmi",
    "blood_pressure",
    "cholesterol",
    "ldl",
    "hdl",
    "cholesterol_ratio",
    "log_triglycerides",
    "glucose",
]
RANGES_MARK = (
    "# Reference ranges: quartiles, and the smallest and largest value, of the training data. Written by train.py.\n"
)

CARD = """# Model card: diabetes

| Property | Value |
|---|---|
| Task | tabular regression: progression of the disease one year after the measurements |
| Values in the data | {low:.0f} to {high:.0f} |
| Model | StandardScaler, then ridge regression, converted to ONNX (float32) |
| Input | age, sex, body mass index, blood pressure, and six blood serum measurements |
| Training data | {trained} of the 442 patients of the diabetes dataset included in scikit-learn |
| Test data | {held} patients who were not used for training |
| Test mean absolute error | {mae:.1f} (predicting the mean: {naive:.1f}) |
| Test root mean squared error | {rmse:.1f} |
| Test R2 | {r2:.2f} |
| Difference between ONNX and scikit-learn on test data | at most {difference:.1e}, relative |
| Created with | scikit-learn {version}, seed {seed} |

## Intended use

This model demonstrates regression in mlsite. It is not for medical use.

## Limitations

The model explains about half of the variance among 442 patients.

## Data

B. Efron, T. Hastie, I. Johnstone, R. Tibshirani, "Least Angle Regression", Annals of Statistics 32 (2004). The rows of
`samples.csv` are test patients.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=HERE, help="the folder for diabetes.onnx, model.toml, samples.csv and MODEL_CARD.md"
    )
    out = parser.parse_args().out

    data = load_diabetes(scaled=False)
    patients, progression = data.data, data.target
    train_rows, test_rows, train_targets, test_targets = train_test_split(
        patients, progression, test_size=0.2, random_state=SEED
    )
    model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 20))).fit(train_rows, train_targets)
    path = out / "diabetes.onnx"
    path.write_bytes(to_onnx(model, train_rows[:1].astype(np.float32)).SerializeToString())

    header = ",".join(FEATURE_NAMES)
    write_reference_ranges(pd.DataFrame(train_rows, columns=FEATURE_NAMES).drop(columns="sex"), out)
    np.savetxt(out / "samples.csv", test_rows[:6], fmt="%.10g", delimiter=",", header=header, comments="")

    predicted = model.predict(test_rows)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    converted = session.run(None, {session.get_inputs()[0].name: test_rows.astype(np.float32)})[0].ravel()
    values = {
        "low": progression.min(),
        "high": progression.max(),
        "trained": len(train_rows),
        "held": len(test_rows),
        "mae": mean_absolute_error(test_targets, predicted),
        "naive": mean_absolute_error(test_targets, np.full(len(test_rows), train_targets.mean())),
        "rmse": root_mean_squared_error(test_targets, predicted),
        "r2": r2_score(test_targets, predicted),
        "difference": np.abs(converted / predicted - 1).max(),
        "version": sklearn.__version__,
        "seed": SEED,
    }
    (out / "MODEL_CARD.md").write_text(CARD.format(**values))
    print(f"R2 on {len(test_rows)} held-out patients: {values['r2']:.4f}")


def write_reference_ranges(rows: pd.DataFrame, out: Path) -> None:
    """Replace the reference ranges at the end of model.toml by those of the training data."""
    text = (HERE / "model.toml").read_text().partition(RANGES_MARK)[0]
    parts = [text.rstrip() + "\n\n" + RANGES_MARK]
    for name, column in rows.items():
        quartiles = ", ".join(f"{number:.10g}" for number in column.quantile([0.25, 0.5, 0.75]))
        parts.append(
            f"[features.{name}]\nquartiles = [{quartiles}]\nobserved = [{column.min():.10g}, {column.max():.10g}]\n"
        )
    (out / "model.toml").write_text("\n".join(parts))


if __name__ == "__main__":
    main()
