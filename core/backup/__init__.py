"""Backups: a snapshot of the database, and copies of MEDIA_ROOT and MODEL_ROOT."""
