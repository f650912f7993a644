"""Register a model: verify it, copy it into MODEL_ROOT, and store it as the next version."""

from __future__ import annotations

from pathlib import Path

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from accounts.models import User
from registry.models import Alias, ModelCard, ModelVersion, RegisteredModel
from registry.querysets import PRODUCTION
from registry.services.existing import check_task
from registry.services.model_files import copy_artifact, copy_example_image, store_converted
from registry.services.preparation import PreparedVersion, prepare_version
from registry.services.promote import move_alias


def register_model(
    *,
    path: Path,
    name: str = "",
    labels: Path | None = None,
    scale: str = "",
    preset: str = "",
    promote: bool = False,
    trusted: bool = False,
    convert: bool = True,
    user: User | None = None,
) -> ModelVersion:
    """Prepare and store the first or next version of a model. See `prepare_version` and `store_version`."""
    with prepare_version(
        path=path, name=name, labels=labels, scale=scale, preset=preset, trusted=trusted, convert=convert
    ) as prepared:
        return store_version(prepared, promote=promote, user=user)


def store_version(prepared: PreparedVersion, *, promote: bool = False, user: User | None = None) -> ModelVersion:
    """Copy the artifact into MODEL_ROOT, and store the version. Return the existing version if there is an equal one.

    Args:
        promote: point the alias `production` to the version.
        user: recorded as the creator.

    Raises:
        ArtifactMismatch: the artifact has changed since it was prepared.
        InvalidSignature: the model has another task, and has been put into use since the version was prepared.
        ValidationError: the name, title, or description is invalid.
    """
    version = prepared.existing
    if version is None:
        version = _store_new_version(prepared, user)
    else:
        _update_texts(version.model, prepared)
    _store_card(version, prepared)
    is_promoted = Alias.objects.filter(name=PRODUCTION, version=version).exists()
    if promote and not is_promoted:
        move_alias(version=version, user=user)
    return version


def _store_new_version(prepared: PreparedVersion, user: User | None) -> ModelVersion:
    version, manifest = prepared.version, prepared.manifest
    version.artifact = copy_artifact(artifact=manifest.artifact, name=manifest.name, sha256=version.sha256)
    if conversion := prepared.conversion:
        digest = conversion.description["sha256"]
        path = store_converted(conversion.data, artifact=version.artifact, sha256=digest, suffix=conversion.suffix)
        version.conversion = {**conversion.description, "path": path}
    for example in manifest.examples:
        if example.image:
            copy_example_image(image=manifest.get_image_path(example), name=manifest.name)
    version.created_by = user
    with transaction.atomic():
        version.model = _get_or_create_model(prepared, user)
        # The row of the model is locked, so that simultaneous registrations get different numbers.
        version.number = (version.model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version.full_clean()
        version.save(force_insert=True)
    return version


def _get_or_create_model(prepared: PreparedVersion, user: User | None) -> RegisteredModel:
    """Return the locked row of the model, with the task of the version and the title and description of the manifest."""
    manifest, task = prepared.manifest, prepared.version.model.task
    model, created = RegisteredModel.objects.select_for_update().get_or_create(
        name=manifest.name,
        defaults={
            "title": manifest.title or manifest.name.replace("-", " ").capitalize(),
            "description": manifest.description,
            "task": task,
            "created_by": user,
        },
    )
    if not created:
        check_task(model, task)
        model.task = task
        model.save(update_fields=["task"])
        _update_texts(model, prepared)
    return model


def _update_texts(model: RegisteredModel, prepared: PreparedVersion) -> None:
    """Save the title and the description of the manifest if it has them."""
    texts = {name: text for name in ("title", "description") if (text := getattr(prepared.manifest, name))}
    for name, text in texts.items():
        setattr(model, name, text)
    model.save(update_fields=list(texts))


def _store_card(version: ModelVersion, prepared: PreparedVersion) -> None:
    """Store the model card, also that of an existing version. Without a card in the manifest, the stored one stays."""
    card = prepared.manifest.card
    if card.text or card.metrics:
        values = {"text": card.text, "metrics": card.metrics, "updated_at": timezone.now()}
        ModelCard.objects.update_or_create(version=version, defaults=values)
