"""Registered models, model versions, and aliases, and code to serve a version."""
