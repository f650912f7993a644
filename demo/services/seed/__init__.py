"""A ledger full of made-up predictions, to see and measure how pages behave on a large one."""

from demo.services.seed.generate import seed_predictions

__all__ = ["seed_predictions"]
