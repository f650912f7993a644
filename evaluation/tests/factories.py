"""Builders shared by tests."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path

from django.conf import settings as project
from django.utils import timezone
from PIL import Image, ImageChops

from predictions.models import Input, Prediction

DIGITS = Path(project.BASE_DIR, "examples", "digits")


def read_csv(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def iterate_digit_images():
    """Yield pictures of digits moved to and fro, each with its true label."""
    names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
    for path in sorted((DIGITS / "samples").glob("*.png")):
        label = str(names.index(path.stem.partition("-")[0]))
        with Image.open(path) as sample:
            for move in range(-4, 5):
                out = BytesIO()
                ImageChops.offset(sample.convert("L"), move, -move).save(out, "PNG")
                yield out.getvalue(), label


def make_predictions(version, user, answers, **fields):
    """Store an input and a prediction for each answer, a dictionary of its fields."""
    now = timezone.now()
    inputs = [Input(user=user, kind="tabular", features={"n": n}, sha256=f"{n:064x}", size=1) for n in range(len(answers))]
    Input.objects.bulk_create(inputs)
    made = [
        Prediction(
            input=one,
            model_version=version,
            user=user,
            source="api",
            **{"status": "succeeded", "output": {}, "completed_at": now} | fields | answer,
        )
        for one, answer in zip(inputs, answers, strict=True)
    ]
    return Prediction.objects.bulk_create(made)
