"""Train the iris example: a scikit-learn pipeline that tells three species apart by four lengths.

    python examples/iris/train.py

The data come with scikit-learn. A fifth of the rows is never trained on; it gives the figures in MODEL_CARD.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

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
NAMES = ["sepal_length", "sepal_width", "petal_length", "petal_width"]  # cm

CARD = """# Model card: iris

| Property | Value |
|---|---|
| Task | tabular classification: setosa, versicolor, virginica |
| Model | StandardScaler, then LogisticRegression |
| Input | length and width of a sepal and a petal, in cm |
| Training data | {trained} of the 150 flowers of R. A. Fisher's iris dataset, included in scikit-learn |
| Test data | {held} flowers that were not used for training |
| Test accuracy | {accuracy:.1%} ({right} of {held}); log loss {loss:.3f} |
| Accuracy, ten-fold cross-validation on all data | {crossed:.1%} |
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
    parser.add_argument("--out", type=Path, default=HERE, help="the folder for iris.skops, samples.csv and MODEL_CARD.md")
    out = parser.parse_args().out

    data = load_iris(as_frame=True)
    flowers = data.data.set_axis(NAMES, axis=1)
    species = data.target.map(dict(enumerate(data.target_names)))
    seen, held, truth, held_truth = train_test_split(flowers, species, test_size=0.2, stratify=species, random_state=SEED)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(seen, truth)
    skops.io.dump(model, out / "iris.skops")
    held.head(6).to_csv(out / "samples.csv", index=False)

    right = int((model.predict(held) == held_truth).sum())
    facts = {
        "trained": len(seen),
        "held": len(held),
        "right": right,
        "accuracy": right / len(held),
        "loss": log_loss(held_truth, model.predict_proba(held), labels=model.classes_),
        "crossed": cross_val_score(make_pipeline(StandardScaler(), LogisticRegression()), flowers, species, cv=10).mean(),
        "version": sklearn.__version__,
        "seed": SEED,
    }
    (out / "MODEL_CARD.md").write_text(CARD.format(**facts))
    print(f"accuracy on {len(held)} held-out flowers: {facts['accuracy']:.4f}")


if __name__ == "__main__":
    main()
