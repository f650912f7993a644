"""Tallies and their compressed latencies."""

import numpy as np

from monitoring.tally import pack_latencies, unpack_latencies


def test_latencies_are_compressed_without_loss():
    rng = np.random.default_rng(2)
    values = [rng.integers(0, 10**12, 1000), rng.integers(0, 5000, 5000)]
    assert unpack_latencies(pack_latencies(values)).tolist() == np.sort(np.concatenate(values)).tolist()
    assert unpack_latencies(pack_latencies([])).tolist() == []
    assert len(pack_latencies([values[1]])) < 2 * 5000
