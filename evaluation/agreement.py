"""Agreement of the reviewers of the same predictions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from itertools import combinations
from uuid import UUID

from accounts.models import User
from evaluation.sql.reviews import SummaryCount
from evaluation.statistics import compute_kappa, divide

Agreements = dict[tuple[str, str], Counter[tuple[str, str]]]
"""Number of predictions by the ratings that two reviewers gave, for each pair of reviewers.

A rating is the true label or the list of true labels, or the verdict if there is neither.
"""


def count_agreements(verdicts: Iterable[SummaryCount]) -> Agreements:
    """Return the agreements of all pairs of reviewers whose accounts still exist."""
    counts = Counter[str]()
    for row in verdicts:
        if row.ratings:
            counts[row.ratings] += row.n
    ratings = {text: {str(UUID(reviewer)): rating for reviewer, rating in json.loads(text) if reviewer} for text in counts}
    reviewers = {reviewer for by_reviewer in ratings.values() for reviewer in by_reviewer}
    existing = set()
    if reviewers:
        existing = {str(pk) for pk in User.objects.filter(pk__in=reviewers).values_list("pk", flat=True)}
    agreements: Agreements = {}
    for text, n in counts.items():
        known = sorted((reviewer, rating) for reviewer, rating in ratings[text].items() if reviewer in existing)
        for (first, rating), (second, other_rating) in combinations(known, 2):
            agreements.setdefault((first, second), Counter())[rating, other_rating] += n
    return agreements


def compute_mean_kappa(agreements: Agreements) -> float | None:
    """Return the mean kappa over all pairs of reviewers, weighted by the number of predictions they both reviewed."""
    kappas = [(compute_kappa(table), table.total()) for table in agreements.values()]
    defined = [(kappa, n) for kappa, n in kappas if kappa is not None]
    return divide(sum(kappa * n for kappa, n in defined), sum(n for _, n in defined))
