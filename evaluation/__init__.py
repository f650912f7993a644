"""Evaluation of model versions from reviews, and datasets for training."""
