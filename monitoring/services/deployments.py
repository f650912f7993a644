"""Record when a version of mlsite was started for the first time."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from monitoring.models import Deployment

MAX_COMMIT_CHARACTERS = 64


def record_deployment() -> Deployment:
    """Store the running version and its commit, unless they are stored. A periodic job, which runs at each start."""
    commit = settings.COMMIT or read_commit(Path(settings.BASE_DIR, ".git"))
    deployment, _ = Deployment.objects.get_or_create(version=settings.VERSION, commit=commit[:MAX_COMMIT_CHARACTERS])
    return deployment


def read_commit(folder: Path) -> str:
    """Return the commit of a Git folder, or an empty string if it cannot be read. Needs no Git program."""
    try:
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        reference = head.removeprefix("ref: ")
        if (folder / reference).is_file():
            return (folder / reference).read_text().strip()
        lines = (folder / "packed-refs").read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    return next((line.partition(" ")[0] for line in lines if line.endswith(f" {reference}")), "")
