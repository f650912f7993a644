"""Which part of a dataset an input belongs to."""

from __future__ import annotations

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
UNREVIEWED = "unreviewed"


def split_of(digest: bytes) -> str:
    """Return the split of an input: of ten, eight are for training, one for validation, one for the test.

    The digest alone decides, so that an input is in the same split in each export, whatever came in between: what a
    network was trained on last month does not test it this month.
    """
    return {0: TEST, 1: VALIDATION}.get(int.from_bytes(digest[:8]) % 10, TRAIN)
