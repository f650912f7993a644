"""Formats of times that differ from those of Django."""
