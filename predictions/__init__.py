"""Inputs, predictions and reviews."""
