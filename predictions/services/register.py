"""Bring a model file into MODEL_ROOT and the database, after it has shown that it works."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.base import File
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from inference.errors import InvalidSignature
from inference.pool import file_sha256
from inference.predictor import Predictor
from inference.runtimes import get_runtime, runtime_for
from inference.types import ArtifactFacts, ModelSpec, Signature
from predictions.models import ModelVersion, RegisteredModel
from predictions.services.manifest import Manifest, read_manifest
from predictions.services.promote import promote_model
from predictions.storage import DurableFileSystemStorage
from predictions.validators import validate_labels, validate_name


def register_model(
    *, path: Path, name: str = "", labels: Path | None = None, promote: bool = False, user: User | None = None
) -> ModelVersion:
    """Register the next version of a model, or the first.

    The model is loaded and run once on a black image before anything is written.

    Args:
        path: a folder with a `model.toml`, or a bare artifact.
        labels: a text file with one label a line, in the order of the model's outputs.
        promote: let `production` point at it.

    Raises:
        InvalidArtifact, InvalidSignature, ModelError: it does not load, or does not do what it says.
        ValidationError: a name or label breaks a rule.
    """
    manifest = read_manifest(path, name=name, labels=labels)
    _check_name(manifest.name)
    runtime = manifest.runtime or runtime_for(manifest.artifact)
    sha256 = file_sha256(manifest.artifact)
    signature, facts = _try_out(manifest, runtime, sha256)
    version = ModelVersion(
        runtime=runtime,
        artifact=_copy(manifest, sha256),
        sha256=sha256,
        size=manifest.artifact.stat().st_size,
        signature=signature.to_dict(),
        labels=manifest.labels,
        framework=facts.framework,
        framework_version=facts.framework_version,
        notes=manifest.notes,
        created_by=user,
    )
    _store(version, manifest)
    if promote:
        promote_model(name=manifest.name, number=version.number, user=user)
    return version


def _check_name(name: str) -> None:
    try:
        validate_name(name)
    except ValidationError as error:
        raise ValidationError(f"{error.messages[0]} Received: {name!r}. Give another with --name.") from error


def _try_out(manifest: Manifest, runtime: str, sha256: str) -> tuple[Signature, ArtifactFacts]:
    """Load the artifact where it lies, settle its signature and run it once."""
    adapter = get_runtime(runtime)(manifest.artifact, threads=settings.INFERENCE_THREADS)
    run = adapter.load()
    facts = adapter.describe()
    signature = manifest.signature(facts)
    _check_labels(manifest, facts)
    spec = ModelSpec(manifest.name, 0, runtime, manifest.artifact, sha256, signature, tuple(manifest.labels))
    predictor = Predictor(spec, run)
    try:
        predictor.warm_up()
    finally:
        predictor.close()
    return signature, facts


def _check_labels(manifest: Manifest, facts: ArtifactFacts) -> None:
    validate_labels(manifest.labels)
    width, count = facts.output_width, len(manifest.labels)
    if not count:
        raise InvalidSignature(f"Expected labels, in model.toml or by --labels FILE: one for each of {width} outputs.")
    if width is not None and width != count and (width, count) != (1, 2):
        raise InvalidSignature(f"Expected {width} labels, one for each output. Received: {count}")


def _store(version: ModelVersion, manifest: Manifest) -> None:
    with transaction.atomic():
        version.model = _get_or_create_model(manifest, version.created_by)
        # The model's row is locked: two registrations at once get two numbers.
        version.number = (version.model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version.full_clean()
        version.save(force_insert=True)


def _get_or_create_model(manifest: Manifest, user: User | None) -> RegisteredModel:
    model, created = RegisteredModel.objects.select_for_update().get_or_create(
        name=manifest.name,
        defaults={
            "title": manifest.title or manifest.name.replace("-", " ").capitalize(),
            "description": manifest.description,
            "task": RegisteredModel.Task.IMAGE_CLASSIFICATION,
            "created_by": user,
        },
    )
    if not created and (manifest.title or manifest.description):
        model.title = manifest.title or model.title
        model.description = manifest.description or model.description
        model.save(update_fields=["title", "description"])
    return model


def _copy(manifest: Manifest, sha256: str) -> str:
    """Copy the artifact below MODEL_ROOT, under its hash: the same file is kept once. Return its path there."""
    storage = DurableFileSystemStorage(location=settings.MODEL_ROOT)
    name = f"{manifest.name}/{sha256[:16]}/{manifest.artifact.name}"
    if storage.exists(name) and file_sha256(Path(storage.path(name))) == sha256:
        return name
    with manifest.artifact.open("rb") as file:
        return storage.save(name, File(file))
