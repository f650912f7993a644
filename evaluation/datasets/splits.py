"""The splits of a dataset."""

from __future__ import annotations

TRAIN, VALIDATION, TEST = SPLITS = ("train", "validation", "test")
UNREVIEWED = "unreviewed"


def assign_split(digest: bytes) -> str:
    """Return the split of an input: 80% train, 10% validation, 10% test.

    It depends only on the digest of the input, so an input is in the same split in every export. Training data
    of one export is never test data of a later one.
    """
    return {0: TEST, 1: VALIDATION}.get(int.from_bytes(digest[:8]) % 10, TRAIN)
