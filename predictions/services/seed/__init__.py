"""A ledger full of made-up predictions, to see and measure how pages behave on a large one."""

from predictions.services.seed.fill import seed_predictions

__all__ = ["seed_predictions"]
