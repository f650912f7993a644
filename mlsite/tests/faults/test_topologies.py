"""Events that are missing, unknown, or in another order are noticed, and repetitions are allowed."""

import json

import pytest

from mlsite.tests.faults.results import Result
from mlsite.tests.faults.topologies import compare_events

pytestmark = pytest.mark.once
KEYS = {"a1": "a", "b1": "b", "a2": "a", "a3": "a"}  # of all events, in their order


def compare(*ids):
    """Compare events that arrived with those of KEYS. Return the number of lost ones, and what else does not hold."""
    result = Result("F38", "", "PostgreSQL")
    compare_events(result, "Kafka", KEYS, [json.dumps({"id": uuid}).encode() for uuid in ids])
    return result.lost, result.misses


@pytest.mark.parametrize("ids", ["a1 b1 a2 a3", "b1 a1 a2 a3", "a1 a1 a2 b1 a1 a3 b1"])
def test_repetitions_and_another_order_of_keys_are_allowed(ids):
    assert compare(*ids.split()) == (0, [])


@pytest.mark.parametrize(
    ("ids", "lost", "misses"),
    [
        ("a1 b1 a3", 1, []),
        ("a1 b1 a3 a2 a1", 0, ["1 keys with events in another order at Kafka"]),
        ("a1 b1 a2 a3 c1", 0, ["1 unknown events at Kafka"]),
        ("", 4, []),
    ],
)
def test_lost_unknown_and_disordered_events_are_noticed(ids, lost, misses):
    assert compare(*ids.split()) == (lost, misses)
