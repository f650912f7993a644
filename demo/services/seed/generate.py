"""Generate predictions in batches of a few thousand rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from demo.services.seed.bulk import analyze_tables, insert_rows
from demo.services.seed.inputs import check_input_kind, draw_inputs, store_images
from demo.services.seed.outputs import check_output_kind, draw_outputs
from demo.services.seed.predictions import draw_predictions
from demo.services.seed.reviews import draw_reviews
from demo.services.seed.timestamps import draw_timestamps, to_datetime
from demo.services.seed.users import get_or_create_users
from monitoring.services.rollup import delete_rollups, roll_up
from predictions.services.summaries import update_summaries
from registry.models import ModelVersion

BATCH_ROWS = 5000  # predictions per transaction
REVIEWER_COUNT = 2


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
    """Store generated predictions of a version with their inputs and reviews, spread over the last days.

    The model does not run. The same seed gives the same inputs, outputs and reviews, but new ids and times.

    Args:
        count: number of predictions.
        reviewed: share of succeeded predictions with a review.
        files: number of different images. Each is used for many predictions.
        users: number of users that submit inputs. Two more write reviews.
        report: called after each batch with the number of predictions so far.

    Raises:
        InvalidInput: inputs or outputs of this kind cannot be generated.
    """
    check_input_kind(version)
    check_output_kind(version)
    rng = np.random.default_rng(seed)
    submitters, reviewers = get_or_create_users("seed", users), get_or_create_users("seed-reviewer", REVIEWER_COUNT)
    images = store_images(version, count=files, rng=rng)
    timestamps, ages = draw_timestamps(count=count, days=days, rng=rng), np.linspace(0, 1, count)
    for start in range(0, count, BATCH_ROWS):
        batch = slice(start, start + BATCH_ROWS)
        inputs = draw_inputs(version, ages[batch], images, rng)
        outputs = draw_outputs(version, ages[batch], rng)
        rows = draw_predictions(version, inputs, outputs, timestamps=timestamps[batch].tolist(), users=submitters, rng=rng)
        reviews = draw_reviews(rows, outputs, share=reviewed, reviewers=reviewers, rng=rng)
        insert_rows(inputs, rows, reviews)
        report(start + len(rows))
    analyze_tables()
    delete_rollups(since=to_datetime(int(timestamps[0])))
    roll_up()
    update_summaries()
