"""Errors of backups."""


class BackupError(Exception):
    """A backup cannot be made, or is not restored. The message states what to do."""
