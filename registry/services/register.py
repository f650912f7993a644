"""Bring a model file into MODEL_ROOT and the database, after it has shown that it works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Max

from accounts.models import User
from core.validators import validate_labels, validate_name
from inference.artifacts import get_artifact_size, hash_artifact
from inference.errors import InvalidInput, InvalidSignature
from inference.examples import Example
from inference.predictor import Predictor
from inference.runtimes import detect_runtime, load_artifact
from inference.signature import ImageInput, Signature
from inference.signature.infer import infer_signature
from inference.types import ArtifactMetadata, ModelSpec
from registry.manifest import Manifest, read_manifest
from registry.models import ModelVersion, RegisteredModel
from registry.services.model_files import copy_artifact, copy_picture
from registry.services.promote import move_alias
from registry.services.verify import check_examples

Task = RegisteredModel.Task
TASKS = {
    ("image", "classes"): Task.IMAGE_CLASSIFICATION,
    ("image", "label"): Task.IMAGE_CLASSIFICATION,
    ("image", "value"): Task.IMAGE_REGRESSION,
    ("tabular", "classes"): Task.TABULAR_CLASSIFICATION,
    ("tabular", "label"): Task.TABULAR_CLASSIFICATION,
    ("tabular", "value"): Task.TABULAR_REGRESSION,
}


def register_model(
    *,
    path: Path,
    name: str = "",
    labels: Path | None = None,
    promote: bool = False,
    trusted: bool = False,
    user: User | None = None,
) -> ModelVersion:
    """Register the next version of a model, or the first.

    The model is loaded, run once on a black image or a row of examples, and asked the examples of its `model.toml`, before
    anything is written.

    Args:
        path: a folder with a `model.toml`, or a bare artifact, a file or a folder.
        labels: a text file with one label a line, in the order of the model's outputs.
        promote: let `production` point at it.
        trusted: let the artifact run code of its author, now and whenever it is loaded; the version records it.

    Raises:
        InvalidArtifact, InvalidSignature, ModelError: it does not load, or does not do what it says.
        ValidationError: a name or label breaks a rule.
    """
    manifest = read_manifest(path, name=name, labels=labels)
    _check_name(manifest.name)
    runtime = manifest.runtime or detect_runtime(manifest.artifact)
    sha256 = hash_artifact(manifest.artifact)
    spec, facts = _try_out(manifest, runtime, sha256, trusted)
    task = TASKS.get((spec.signature.input.kind, spec.signature.output.kind), Task.OTHER)
    _check_task(manifest.name, task)
    version = ModelVersion(
        runtime=runtime,
        artifact=copy_artifact(manifest.artifact, name=manifest.name, sha256=sha256),
        sha256=sha256,
        size=get_artifact_size(manifest.artifact),
        signature=spec.signature.to_dict(),
        labels=list(spec.labels),
        trusted=trusted,
        examples=[_keep(example, manifest).to_dict() for example in manifest.examples],
        framework=facts.framework[:50],
        framework_version=facts.framework_version[:50],
        notes=manifest.notes,
        created_by=user,
    )
    _store(version, manifest, task)
    if promote:
        move_alias(version, user=user)
    return version


def _check_name(name: str) -> None:
    try:
        validate_name(name)
    except ValidationError as error:
        raise ValidationError(f"{error.messages[0]} Received: {name!r}. Give another with --name.") from error


def _try_out(manifest: Manifest, runtime: str, sha256: str, trusted: bool) -> tuple[ModelSpec, ArtifactMetadata]:
    """Load the artifact where it lies, settle its signature, run it once and ask it its examples."""
    adapter, run = load_artifact(runtime, manifest.artifact, threads=settings.INFERENCE_THREADS, trusted=trusted)
    facts = adapter.describe()
    signature, labels = infer_signature(
        facts, declared_input=manifest.input, declared_output=manifest.output, labels=manifest.labels
    )
    validate_labels(labels)
    _check_kinds(manifest, signature, labels)
    spec = ModelSpec(manifest.name, 0, runtime, manifest.artifact, sha256, signature, labels, trusted)
    predictor = Predictor(spec, run)
    try:
        predictor.warm_up()
        check_examples(predictor, manifest.examples, picture_of=manifest.picture_of)
    except InvalidInput as error:
        raise InvalidSignature(f"One of [[examples]] is no input of this model: {error.message}") from error
    finally:
        predictor.close()
    return spec, facts


def _check_kinds(manifest: Manifest, signature: Signature, labels: Sequence[str]) -> None:
    """Refuse an example of another kind than the model takes, or that expects what it never says."""
    wanted = "image" if isinstance(signature.input, ImageInput) else "features"
    for example in manifest.examples:
        if (wanted == "image") != bool(example.image):
            raise InvalidSignature(f"Expected {wanted} in each of [[examples]]. Received: {example.to_dict()!r:.200}")
        if example.label is not None and example.label not in labels:
            known = ", ".join(labels)[:200] or "none"
            raise InvalidSignature(
                f"Expected label to be one of the model's in [[examples]]: {known}. Received: {example.label!r}"
            )


def _check_task(name: str, task: str) -> None:
    known = RegisteredModel.objects.filter(name=name).first()
    if known and known.task != task:
        raise InvalidSignature(
            f"{name} is a model for {known.task}, and all its versions are. This one is for {task}: give it another --name."
        )


def _keep(example: Example, manifest: Manifest) -> Example:
    if not example.image:
        return example
    return replace(example, image=copy_picture(manifest.picture_of(example), name=manifest.name))


def _store(version: ModelVersion, manifest: Manifest, task: str) -> None:
    with transaction.atomic():
        version.model = _get_or_create_model(manifest, task, version.created_by)
        # The model's row is locked: two registrations at once get two numbers.
        version.number = (version.model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version.full_clean()
        version.save(force_insert=True)


def _get_or_create_model(manifest: Manifest, task: str, user: User | None) -> RegisteredModel:
    model, created = RegisteredModel.objects.select_for_update().get_or_create(
        name=manifest.name,
        defaults={
            "title": manifest.title or manifest.name.replace("-", " ").capitalize(),
            "description": manifest.description,
            "task": task,
            "created_by": user,
        },
    )
    if not created and (manifest.title or manifest.description):
        model.title = manifest.title or model.title
        model.description = manifest.description or model.description
        model.save(update_fields=["title", "description"])
    return model
