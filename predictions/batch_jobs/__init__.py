"""Batch jobs for pages and downloads: stored files, column mapping, progress, and results."""
