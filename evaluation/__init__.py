"""Metrics of model versions, comparison of versions, and training datasets, all from reviews."""
