"""Files whose rows no longer refer to them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from core.fields import UUID7Field


class RemovedFile(models.Model):
    """A stored file that will be deleted. The row is deleted after the file, so that no crash can leave the file behind."""

    id = UUID7Field()
    name = models.CharField(max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects: ClassVar = models.Manager()

    def __str__(self) -> str:
        return self.name
