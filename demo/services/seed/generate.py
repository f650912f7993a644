"""Fill the ledger: draw some thousands of rows at a time, and store each such batch whole."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo.services.seed.bulk import analyze_tables, store_rows
from demo.services.seed.inputs import draw_inputs, store_pictures
from demo.services.seed.outputs import check_answers, draw_answers
from demo.services.seed.predictions import draw_predictions
from demo.services.seed.reviews import draw_reviews
from demo.services.seed.timestamps import draw_moments, time_at
from demo.services.seed.users import seed_users
from monitoring.services.rollup import forget_rollups, roll_up
from registry.models import ModelVersion

BATCH = 5000  # predictions of one transaction
REVIEWERS = 2


def seed_predictions(
    *,
    version: ModelVersion,
    count: int,
    days: int = 30,
    reviewed: float = 0.05,
    files: int = 1000,
    users: int = 5,
    seed: int = 0,
    report: Callable[[int], None] = lambda done: None,
) -> None:
    """Store made-up predictions of a version, spread over the last days, as if people had asked and judged.

    The same seed makes the same inputs, answers and opinions; their ids and times are of today.

    Args:
        count: predictions.
        reviewed: share of the answers that somebody has judged.
        files: different pictures, each asked about many times.
        users: who ask; two more review.
        report: is told after each batch how many there are.

    Raises:
        InvalidInput: the model's answers have no meaning that could be made up.
    """
    check_answers(version)
    rng = np.random.default_rng(seed)
    people, reviewers = seed_users("seed", users), seed_users("seed-reviewer", REVIEWERS)
    pictures = store_pictures(version, count=files, rng=rng)
    moments, ages = draw_moments(count=count, days=days, rng=rng), np.linspace(0, 1, count)
    for start in range(0, count, BATCH):
        part = slice(start, start + BATCH)
        inputs = draw_inputs(version, ages[part], pictures, rng)
        answers = draw_answers(version, ages[part], rng)
        rows = draw_predictions(version, inputs, answers, moments=moments[part].tolist(), people=people, rng=rng)
        store_rows(inputs, rows, draw_reviews(rows, answers, share=reviewed, reviewers=reviewers, rng=rng))
        report(start + len(rows))
    analyze_tables()
    forget_rollups(since=time_at(int(moments[0])))
    roll_up()
