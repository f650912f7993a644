"""Registered models, their versions and aliases, and the serving of a version."""
