"""Register a model: verify it, copy it into MODEL_ROOT, and store it as the next version."""

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
from inference.errors import InvalidInput, InvalidSignature, ModelFailed
from inference.examples import Example
from inference.predictor import Predictor
from inference.preprocessing import make_sample_input
from inference.runtimes import detect_runtime, load_artifact
from inference.signature import Signature
from inference.signature.infer import infer_signature
from inference.types import ArtifactMetadata, ModelSpec
from registry.manifest import Manifest, read_manifest
from registry.models import ModelVersion, RegisteredModel
from registry.services.model_files import copy_artifact, copy_example_image
from registry.services.promote import move_alias
from registry.services.verify import check_examples

Task = RegisteredModel.Task
TASK_BY_KINDS = {  # (kind of input, kind of output)
    ("image", "classes"): Task.IMAGE_CLASSIFICATION,
    ("image", "label"): Task.IMAGE_CLASSIFICATION,
    ("image", "value"): Task.IMAGE_REGRESSION,
    ("image", "labels"): Task.IMAGE_MULTI_LABEL,
    ("image-tabular", "classes"): Task.IMAGE_CLASSIFICATION,
    ("image-tabular", "label"): Task.IMAGE_CLASSIFICATION,
    ("image-tabular", "value"): Task.IMAGE_REGRESSION,
    ("image-tabular", "labels"): Task.IMAGE_MULTI_LABEL,
    ("text", "classes"): Task.TEXT_CLASSIFICATION,
    ("text", "label"): Task.TEXT_CLASSIFICATION,
    ("text", "labels"): Task.TEXT_MULTI_LABEL,
    ("text", "value"): Task.TEXT_REGRESSION,
    ("tabular", "classes"): Task.TABULAR_CLASSIFICATION,
    ("tabular", "label"): Task.TABULAR_CLASSIFICATION,
    ("tabular", "labels"): Task.TABULAR_MULTI_LABEL,
    ("tabular", "value"): Task.TABULAR_REGRESSION,
}
MAX_FRAMEWORK_CHARACTERS = 50


def register_model(
    *,
    path: Path,
    name: str = "",
    labels: Path | None = None,
    promote: bool = False,
    trusted: bool = False,
    user: User | None = None,
) -> ModelVersion:
    """Register the first or next version of a model.

    Before anything is written, the model is loaded, run on a sample input, and checked against the examples in its
    `model.toml`.

    Args:
        path: a folder with a `model.toml`, or a bare artifact, which is a file or a folder.
        name: overrides the name in `model.toml`.
        labels: a text file with one label per line, in the order of the model's outputs.
        promote: point the alias `production` to the new version.
        trusted: allow the artifact to run its author's code, now and whenever it is loaded.
        user: recorded as the creator.

    Raises:
        InvalidArtifact, InvalidSignature, ModelError: the model does not load, or does not match its description.
        ValidationError: a name or label is invalid.
    """
    manifest = read_manifest(path, name=name, labels=labels)
    _check_name(manifest.name)
    runtime = manifest.runtime or detect_runtime(manifest.artifact)
    sha256 = hash_artifact(manifest.artifact)
    spec, metadata = _verify_artifact(manifest, runtime=runtime, sha256=sha256, trusted=trusted)
    task = TASK_BY_KINDS.get((spec.signature.input.kind, spec.signature.output.kind), Task.OTHER)
    _check_task(manifest.name, task)
    version = ModelVersion(
        runtime=runtime,
        artifact=copy_artifact(artifact=manifest.artifact, name=manifest.name, sha256=sha256),
        sha256=sha256,
        size=get_artifact_size(manifest.artifact),
        signature=spec.signature.to_dict(),
        labels=list(spec.labels),
        trusted=trusted,
        examples=[_copy_example(example, manifest).to_dict() for example in manifest.examples],
        framework=metadata.framework[:MAX_FRAMEWORK_CHARACTERS],
        framework_version=metadata.framework_version[:MAX_FRAMEWORK_CHARACTERS],
        notes=manifest.notes,
        created_by=user,
    )
    _save_version(version, manifest, task)
    if promote:
        move_alias(version=version, user=user)
    return version


def _check_name(name: str) -> None:
    try:
        validate_name(name)
    except ValidationError as error:
        raise ValidationError(f"{error.messages[0]} Received: {name!r}. Set another name with --name.") from error


def _verify_artifact(manifest: Manifest, *, runtime: str, sha256: str, trusted: bool) -> tuple[ModelSpec, ArtifactMetadata]:
    """Load the artifact from its original path, infer its signature, run it once, and check its examples."""
    adapter, run_batch = load_artifact(runtime, manifest.artifact, threads=settings.INFERENCE_THREADS, trusted=trusted)
    metadata = adapter.describe()
    signature, labels = infer_signature(
        metadata, declared_input=manifest.input, declared_output=manifest.output, labels=manifest.labels
    )
    validate_labels(labels)
    _check_example_kinds(manifest, signature, labels)
    spec = ModelSpec(manifest.name, 0, runtime, manifest.artifact, sha256, signature, labels, trusted)
    predictor = Predictor(spec, run_batch)
    try:
        predictor.warm_up()
        check_examples(predictor, manifest.examples, get_image_path=manifest.get_image_path)
    except InvalidInput as error:
        raise InvalidSignature(f"An [[examples]] table is not a valid input of this model: {error.message}") from error
    except ModelFailed as error:
        if signature.input.kind != "text" or manifest.input:
            raise
        raise InvalidSignature(
            f"The model takes one string but fails for the text {make_sample_input(signature.input)!r}. If it takes text, "
            'set kind = "text" and a valid example in [input]. If the string is an encoded image, set kind = "image".'
        ) from error
    finally:
        predictor.close()
    return spec, metadata


def _check_example_kinds(manifest: Manifest, signature: Signature, labels: Sequence[str]) -> None:
    """Check that each example has the input kind of the model, and expects one of its labels."""
    parts = signature.input.parts
    for example in manifest.examples:
        if example.parts != set(parts):
            raise InvalidSignature(
                f"Expected {' and '.join(parts)} in each [[examples]] table. Received: {example.to_dict()!r:.200}"
            )
        if example.label is not None and example.label not in labels:
            allowed = ", ".join(labels)[:200] or "none"
            raise InvalidSignature(
                f"Expected label in [[examples]] to be one of the model's labels: {allowed}. Received: {example.label!r}"
            )


def _check_task(name: str, task: str) -> None:
    model = RegisteredModel.objects.filter(name=name).first()
    if model and model.task != task:
        raise InvalidSignature(
            f"All versions of {name} must be models for {model.task}. This model is for {task}. "
            "Set another name with --name."
        )


def _copy_example(example: Example, manifest: Manifest) -> Example:
    """Copy the image of an example, if it has one, and return the example with the new path."""
    if not example.image:
        return example
    return replace(example, image=copy_example_image(image=manifest.get_image_path(example), name=manifest.name))


def _save_version(version: ModelVersion, manifest: Manifest, task: str) -> None:
    with transaction.atomic():
        version.model = _get_or_create_model(manifest, task, version.created_by)
        # The row of the model is locked, so that simultaneous registrations get different numbers.
        version.number = (version.model.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        version.full_clean()
        version.save(force_insert=True)


def _get_or_create_model(manifest: Manifest, task: str, user: User | None) -> RegisteredModel:
    """Return the locked row of the model, with the title and description of the manifest."""
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
