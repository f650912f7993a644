"""How the site runs: what was asked of it in a window of time, how it did, and whether what it sees has changed."""

from predictions.operations.drifting import Drift, drift_of
from predictions.operations.figures import Operations
from predictions.operations.measuring import operations_of
from predictions.operations.windows import Window, window_of

__all__ = ["Drift", "Operations", "Window", "drift_of", "operations_of", "window_of"]
