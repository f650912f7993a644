"""Train the iris example: a scikit-learn pipeline that classifies three species by four lengths.

    python examples/iris/train.py

The data is included in scikit-learn. A fifth of the rows is held out for the metrics in MODEL_CARD.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import pandas as pd
import sklearn
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

HERE = Path(__file__).parent
SEED = 20261121
FEATURE_NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]  # cm
RANGES_MARK = (
    "# Reference ranges: quartiles, and the smallest and largest value, of the training data. Written by train.py.\n"
)

CARD = """# Model card: iris

| Property | Value |
|---|---|
| Task | tabular classification: setosa, versicolor, virginica |
| Model | StandardScaler, then LogisticRegression |
| Input | length and width of a sepal and a petal, in cm |
| Training data | {trained} of the 150 flowers of R. A. Fisher's iris dataset, included in scikit-learn |
| Test data | {held} flowers that were not used for training |
| Test accuracy | {accuracy:.1%} ({correct} of {held}); log loss {loss:.3f} |
| Accuracy, ten-fold cross-validation on all data | {cross_validated:.1%} |
| Created with | scikit-learn {version}, seed {seed} |

## Intended use

This model demonstrates tabular classification in mlsite.

## Limitations

The training data contains three species from two places. The model assigns every other flower to one of these three
species, too.

## Data

R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936). The rows of
`samples.csv` are test flowers.
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--out", type=Path, default=HERE, help="the folder for iris.skops, model.toml, samples.csv and MODEL_CARD.md"
    )
    out = parser.parse_args().out

    data = load_iris(as_frame=True)
    flowers = data.data.set_axis(FEATURE_NAMES, axis=1)
    species = data.target.map(dict(enumerate(data.target_names)))
    train_rows, test_rows, train_labels, test_labels = train_test_split(
        flowers, species, test_size=0.2, stratify=species, random_state=SEED
    )
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(train_rows, train_labels)
    skops.io.dump(model, out / "iris.skops")
    test_rows.head(6).to_csv(out / "samples.csv", index=False)
    write_reference_ranges(train_rows, out)

    correct = int((model.predict(test_rows) == test_labels).sum())
    values = {
        "trained": len(train_rows),
        "held": len(test_rows),
        "correct": correct,
        "accuracy": correct / len(test_rows),
        "loss": log_loss(test_labels, model.predict_proba(test_rows), labels=model.classes_),
        "cross_validated": cross_val_score(
            make_pipeline(StandardScaler(), LogisticRegression()), flowers, species, cv=10
        ).mean(),
        "version": sklearn.__version__,
        "seed": SEED,
    }
    (out / "MODEL_CARD.md").write_text(CARD.format(**values))
    print(f"accuracy on {len(test_rows)} held-out flowers: {values['accuracy']:.4f}")


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
