"""Registered models, their versions, aliases, and the history of aliases."""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from core.fields import UUID7Field
from core.validators import validate_artifact_path, validate_labels, validate_name, validate_sha256
from inference.signature import Signature
from registry.querysets import PRODUCTION, ModelVersionQuerySet, RegisteredModelQuerySet

MAX_CACHED_SIGNATURES = 1024
MAX_VERSION_NUMBER = 2**31 - 1  # the largest number that a PositiveIntegerField stores on PostgreSQL


class RegisteredModel(models.Model):
    """A named model, such as `digits`, with one or more versions."""

    class Task(models.TextChoices):
        IMAGE_CLASSIFICATION = "image-classification", _("image classification")
        IMAGE_MULTI_LABEL = "image-multi-label", _("multi-label image classification")
        TABULAR_CLASSIFICATION = "tabular-classification", _("tabular classification")
        TABULAR_MULTI_LABEL = "tabular-multi-label", _("multi-label tabular classification")
        TABULAR_REGRESSION = "tabular-regression", _("tabular regression")
        IMAGE_REGRESSION = "image-regression", _("image regression")
        TEXT_CLASSIFICATION = "text-classification", _("text classification")
        TEXT_MULTI_LABEL = "text-multi-label", _("multi-label text classification")
        TEXT_REGRESSION = "text-regression", _("text regression")
        OTHER = "other", _("other (raw output)")

    id = UUID7Field()
    name = models.CharField(max_length=100, unique=True, validators=[validate_name])
    title = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    task = models.CharField(max_length=40, choices=Task.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects: ClassVar = RegisteredModelQuerySet.as_manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("predictions:model", args=[self.name])


MULTI_LABEL_TASKS = (
    RegisteredModel.Task.IMAGE_MULTI_LABEL,
    RegisteredModel.Task.TABULAR_MULTI_LABEL,
    RegisteredModel.Task.TEXT_MULTI_LABEL,
)


class ModelVersion(models.Model):
    """One artifact with its signature. Immutable: database triggers reject changes. Register a new version instead.

    The only exception is `created_by`, which is set to null when the account is deleted.
    """

    id = UUID7Field()
    model = models.ForeignKey(RegisteredModel, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    runtime = models.CharField(max_length=200)
    artifact = models.CharField(max_length=500, validators=[validate_artifact_path], help_text=_("Path below MODEL_ROOT."))
    sha256 = models.CharField(max_length=64, validators=[validate_sha256])
    size = models.PositiveBigIntegerField(help_text=_("Bytes."))
    signature = models.JSONField()
    labels = models.JSONField(default=list, blank=True, validators=[validate_labels])
    framework = models.CharField(max_length=50, blank=True)
    framework_version = models.CharField(max_length=50, blank=True)
    trusted = models.BooleanField(
        default=False, help_text=_("Whether it was registered with --trusted, which allows it to run its author's code.")
    )
    examples = models.JSONField(
        default=list, blank=True, help_text=_("Inputs with their expected outputs, from model.toml.")
    )
    notes = models.TextField(blank=True)
    notices = models.JSONField(
        default=list, blank=True, help_text=_("What registration derived or noticed, one sentence each.")
    )
    libraries = models.JSONField(
        default=dict, blank=True, help_text=_("The versions of the libraries with which it was registered, by name.")
    )
    conversion = models.JSONField(
        default=dict,
        blank=True,
        help_text=_(
            "The converted network that runs in place of the artifact: its runtime, path below MODEL_ROOT, sha256, size in "
            "bytes, and largest difference from the artifact. Empty if the artifact itself runs."
        ),
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    objects: ClassVar = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ("model__name", "-number")
        constraints = [
            # Also serves: looking up a version by its number.
            models.UniqueConstraint(fields=["model", "number"], name="modelversion_number_once"),
            models.CheckConstraint(condition=models.Q(number__gte=1), name="modelversion_number_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}:{self.number}"

    @property
    def is_in_production(self) -> bool:
        """Return whether the production alias points to this version. Prefetch `aliases` if there are many versions."""
        return any(alias.name == PRODUCTION for alias in self.aliases.all())

    @cached_property
    def parsed_signature(self) -> Signature:
        """Return the signature as typed objects. Versions are immutable, so the result is cached."""
        return _parse_signature(self)


@lru_cache(maxsize=MAX_CACHED_SIGNATURES)
def _parse_signature(version: ModelVersion) -> Signature:
    return Signature.from_dict(version.signature)


class ModelCard(models.Model):
    """What the author of a version documents about it. Unlike the version, it can change: register the model again."""

    version = models.OneToOneField(ModelVersion, models.CASCADE, primary_key=True, related_name="card")
    text = models.TextField(blank=True, help_text=_("The file MODEL_CARD.md, in Markdown."))
    metrics = models.JSONField(
        default=dict, blank=True, help_text=_("The metrics that the author measured, by name. From [metrics] in model.toml.")
    )
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return str(self.version)


class Alias(models.Model):
    """A movable name for a version, such as digits@production for digits:3."""

    id = UUID7Field()
    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="aliases")
    name = models.CharField(max_length=50, validators=[validate_name])
    version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="aliases")

    class Meta:
        verbose_name_plural = _("aliases")
        ordering = ("model__name", "name")
        constraints = [
            # Also serves: resolving an alias, on each request.
            models.UniqueConstraint(fields=["model", "name"], name="alias_name_once"),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}@{self.name}"


class AliasChange(models.Model):
    """A record of who moved an alias, when, and from which version to which."""

    id = UUID7Field()
    model = models.ForeignKey(RegisteredModel, models.CASCADE, related_name="alias_changes")
    alias = models.CharField(max_length=50)
    from_version = models.ForeignKey(ModelVersion, models.PROTECT, null=True, blank=True, related_name="+")
    to_version = models.ForeignKey(ModelVersion, models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.model.name}@{self.alias} -> {self.to_version.number}"
