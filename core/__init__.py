"""Shared Django code that belongs to no single app. Imports no app."""
