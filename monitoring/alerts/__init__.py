"""Alerts: metrics with thresholds, when they open and resolve, and the texts of notifications."""
