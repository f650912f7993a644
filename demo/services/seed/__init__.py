"""Generate predictions, inputs, and reviews, to test pages with many rows."""

from demo.services.seed.generate import seed_predictions

__all__ = ["seed_predictions"]
