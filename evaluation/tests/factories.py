"""Builders shared by tests."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

import numpy as np
from django.conf import settings as project
from django.utils import timezone
from PIL import Image, ImageChops

from predictions.models import Input, Prediction, Review
from predictions.services import review_prediction
from predictions.tests.factories import make_prediction

DIGITS = Path(project.BASE_DIR, "examples", "digits")
LABELS = ["black", "grey", "white"]


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def list_images(folder):
    """Return the paths of all PNG files below a folder, relative to it."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def iterate_digit_images():
    """Yield shifted images of digits, each with its true label."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for path in sorted((DIGITS / "samples").glob("*.png")):
        label = str(names.index(path.stem.partition("-")[0]))
        with Image.open(path) as sample:
            for shift in range(-4, 5):
                out = BytesIO()
                ImageChops.offset(sample.convert("L"), shift, -shift).save(out, "PNG")
                yield out.getvalue(), label


def make_image_with_metadata(**tags):
    """Return a JPEG, black above and white below, with secret metadata and more EXIF tags such as `x0112=6`."""
    image = Image.new("L", (16, 16))
    image.paste(255, (0, 8, 16, 16))
    exif = Image.Exif()
    exif[0x010F] = "SecretMaker"
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 29.0), 29: "2026:01:02"}  # GPS
    for number, value in tags.items():
        exif[int(number[1:], 16)] = value
    out = BytesIO()
    image.save(out, "JPEG", exif=exif, comment=b"SecretComment", icc_profile=b"SecretProfile")
    return out.getvalue()


def make_reviewed_prediction(user, data, true_label, **options):
    prediction = make_prediction(user, data, **options)
    review_prediction(prediction=prediction, reviewer=user, true_label=true_label)
    return prediction


def build_review(prediction, reviewer, true_label, picked_by="random", **fields):
    """Return an unsaved review, for bulk_create."""
    verdict = "correct" if true_label == prediction.label else "incorrect"
    return Review(
        prediction=prediction, reviewer=reviewer, verdict=verdict, true_label=true_label, picked_by=picked_by, **fields
    )


def make_value_reviews(predictions, reviewer, true_values):
    """Store a review with a true value for each prediction, up to the shorter list."""
    return Review.objects.bulk_create(
        Review(prediction=prediction, reviewer=reviewer, verdict="incorrect", true_value=value, picked_by="random")
        for prediction, value in zip(predictions, true_values, strict=False)
    )


def make_predictions(version, user, outputs, **fields):
    """Store an input and a prediction for each output, a dictionary of prediction fields."""
    now = timezone.now()
    inputs = [Input(user=user, kind="tabular", features={"n": n}, sha256=f"{n:064x}", size=1) for n in range(len(outputs))]
    Input.objects.bulk_create(inputs)
    predictions = [
        Prediction(
            input=input_,
            model_version=version,
            user=user,
            source="api",
            **{"status": "succeeded", "output": {}, "completed_at": now} | fields | output,
        )
        for input_, output in zip(inputs, outputs, strict=True)
    ]
    return Prediction.objects.bulk_create(predictions)


class SimulatedReviews:
    """1000 predictions with random labels: the first 800 are reviewed, of these the first 500 in the random sample."""

    def __init__(self, version, user, reviewer):
        rng = np.random.default_rng(7)
        n = 1000
        self.true = rng.choice(LABELS, n, p=[0.5, 0.3, 0.2])
        self.predicted = np.where(rng.random(n) < 0.75, self.true, rng.choice(LABELS, n))
        at_edges = rng.choice([0.4, 0.7, 0.9, 1.0], n)
        self.confidence = np.where(rng.random(n) < 0.1, at_edges, rng.uniform(0.34, 1, n))
        outputs = zip(self.predicted.tolist(), self.confidence.tolist(), strict=True)
        self.predictions = make_predictions(
            version, user, [{"label": label, "confidence": confidence} for label, confidence in outputs]
        )
        Review.objects.bulk_create(
            build_review(prediction, reviewer, true_label, "random" if i < 500 else ["uncertain", "margin", "api"][i % 3])
            for i, (prediction, true_label) in enumerate(zip(self.predictions[:800], self.true.tolist(), strict=False))
        )
