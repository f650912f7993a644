"""Prepare a version for registration: load the artifact, infer its signature, and check it. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db.models import Max
from django.utils.translation import gettext

from core.validators import validate_labels, validate_name
from inference.artifacts import get_artifact_size, hash_artifact
from inference.base import BaseRuntime
from inference.batch_check import find_batch_behavior
from inference.errors import InvalidInput, InvalidSignature
from inference.libraries import get_loaded_libraries
from inference.predictor import Predictor
from inference.runtimes import detect_runtime, load_artifact
from inference.signature import Signature
from inference.signature.infer import infer_signature
from inference.types import ArtifactMetadata, BatchFunction, ModelInput, ModelSpec
from registry.manifest import Manifest, read_manifest
from registry.model_tasks import get_task
from registry.models import ModelVersion, RegisteredModel
from registry.services.conversion import CheckedConversion, convert_artifact
from registry.services.existing import check_task, find_existing_version
from registry.services.model_files import get_example_target
from registry.services.pipeline_files import stage_artifact
from registry.services.reference_ranges import complete_reference_ranges
from registry.services.sample_choice import choose_sample
from registry.services.verify import check_examples

MAX_FRAMEWORK_CHARACTERS = 50


@dataclass(frozen=True, slots=True)
class PreparedVersion:
    """A verified version that is not stored yet.

    Args:
        manifest: the description that it was prepared from.
        version: unsaved, with the number it will probably get. Its model may be unsaved as well.
        existing: the version of the model that already has the same artifact and description, if there is one.
        conversion: the converted network, if there is one and the version does not exist yet.
    """

    manifest: Manifest
    version: ModelVersion
    existing: ModelVersion | None
    conversion: CheckedConversion | None = None


@contextmanager
def prepare_version(
    *,
    path: Path,
    name: str = "",
    labels: Path | None = None,
    scale: str = "",
    preset: str = "",
    trusted: bool = False,
    convert: bool = True,
) -> Iterator[PreparedVersion]:
    """Load a model, run it on sample inputs, and check it against the examples in its `model.toml`.

    Use it in a `with` statement: an artifact that consists of several files is staged in a temporary folder until the end.

    Args:
        path: a folder with a `model.toml`, or a bare artifact, which is a file or a folder.
        name: overrides the name in `model.toml`.
        labels: a text file with one label per line, in the order of the model's outputs.
        scale, preset: override `scale` and `preset` in the `[input]` of `model.toml`, for images.
        trusted: allow the artifact to run its author's code, now and whenever it is loaded.
        convert: convert a Keras network to ONNX, if the converted one returns the same results.

    Raises:
        InvalidArtifact, InvalidSignature, ModelError: the model does not load, or does not match its description.
        ValidationError: a name or label is invalid.
    """
    if scale and preset:
        raise InvalidSignature(
            "Pass either --scale or --preset: a preset defines the scale. To override parts of a preset, use model.toml."
        )
    input_options = {key: value for key, value in (("scale", scale), ("preset", preset)) if value}
    with stage_artifact(read_manifest(path, name=name, labels=labels, input_options=input_options)) as manifest:
        yield _prepare_manifest(manifest, trusted=trusted, convert=convert)


def _prepare_manifest(manifest: Manifest, *, trusted: bool, convert: bool) -> PreparedVersion:
    _check_name(manifest.name)
    runtime = manifest.runtime or detect_runtime(manifest.artifact)
    sha256 = hash_artifact(manifest.artifact)
    artifact = _verify_artifact(manifest, runtime=runtime, sha256=sha256, trusted=trusted)
    spec, metadata = artifact.spec, artifact.metadata
    model, notices = _find_model(manifest, get_task(spec.signature))
    version = ModelVersion(
        model=model,
        number=_get_next_number(model),
        runtime=runtime,
        sha256=sha256,
        size=get_artifact_size(manifest.artifact),
        signature=spec.signature.to_dict(),
        labels=list(spec.labels),
        trusted=trusted,
        examples=_list_examples(manifest),
        framework=metadata.framework[:MAX_FRAMEWORK_CHARACTERS],
        framework_version=metadata.framework_version[:MAX_FRAMEWORK_CHARACTERS],
        notes=manifest.notes,
        notices=[*notices, *metadata.notices],
        libraries=get_loaded_libraries(runtime),
    )
    existing = find_existing_version(version, is_converted=True) if convert else None
    conversion: CheckedConversion | None = None
    if convert and existing is None:
        conversion, conversion_notices = artifact.convert(manifest)
        version.notices += conversion_notices
    if conversion:
        version.conversion = conversion.description
        version.libraries = get_loaded_libraries(runtime, conversion.description["runtime"])
    elif existing is None:
        existing = find_existing_version(version, is_converted=False)
    return PreparedVersion(manifest, version, existing, conversion)


def _check_name(name: str) -> None:
    try:
        validate_name(name)
    except ValidationError as error:
        raise ValidationError(
            gettext("%(problem)s Received: %(name)r. Set another name with --name.")
            % {"problem": error.messages[0], "name": name}
        ) from error


@dataclass(frozen=True, slots=True)
class _VerifiedArtifact:
    """A loaded artifact, its description, and the inputs of its examples."""

    runtime: BaseRuntime
    run: BatchFunction
    spec: ModelSpec
    metadata: ArtifactMetadata
    inputs: Sequence[ModelInput]

    def convert(self, manifest: Manifest) -> tuple[CheckedConversion | None, list[str]]:
        check = partial(check_examples, examples=manifest.examples, get_image_path=manifest.get_image_path)
        return convert_artifact(self.runtime, self.run, self.spec, inputs=self.inputs, check=check)


def _verify_artifact(manifest: Manifest, *, runtime: str, sha256: str, trusted: bool) -> _VerifiedArtifact:
    """Load the artifact from its original path, infer its signature, run it on sample inputs, and check its examples."""
    adapter, run_batch = load_artifact(runtime, manifest.artifact, threads=settings.INFERENCE_THREADS, trusted=trusted)
    metadata = adapter.describe()
    signature, labels, notices = infer_signature(
        metadata, declared_input=manifest.input, declared_output=manifest.output, labels=manifest.labels, run=run_batch
    )
    signature = complete_reference_ranges(signature, background=manifest.background, examples=manifest.examples)
    metadata = replace(metadata, notices=(*manifest.notices, *metadata.notices, *notices))
    _check_labels(manifest, labels)
    _check_example_kinds(manifest, signature, labels)
    spec = ModelSpec(manifest.name, 0, runtime, manifest.artifact, sha256, signature, labels, trusted)
    spec = choose_sample(spec, run_batch, manifest.examples, is_declared=bool(manifest.input))
    predictor = Predictor(spec, run_batch)
    try:
        examples: list[ModelInput] = check_examples(predictor, manifest.examples, get_image_path=manifest.get_image_path)
    except InvalidInput as error:
        raise InvalidSignature(f"An [[examples]] table is not a valid input of this model: {error.message}") from error
    finally:
        predictor.close()
    behavior = find_batch_behavior(run_batch, spec, examples=examples, known_problem=metadata.batch_problem)
    single_rows = spec.signature.single_rows or behavior.single_rows
    return _VerifiedArtifact(
        adapter,
        run_batch,
        replace(spec, signature=replace(spec.signature, single_rows=single_rows)),
        replace(metadata, notices=(*metadata.notices, *behavior.notices)),
        examples,
    )


def _check_labels(manifest: Manifest, labels: Sequence[str]) -> None:
    try:
        validate_labels(labels)
    except ValidationError as error:
        if manifest.labels:
            raise
        raise ValidationError(
            gettext("%(problem)s. Name the classes of the model with --labels, in their order.")
            % {"problem": error.messages[0].rstrip(".")}
        ) from error


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


def _find_model(manifest: Manifest, task: str) -> tuple[RegisteredModel, list[str]]:
    """Return the model with this name, or a new one that is not saved, and notices about a change of its task."""
    model = RegisteredModel.objects.filter(name=manifest.name).first()
    if model is None:
        return RegisteredModel(name=manifest.name, task=task), []
    check_task(model, task)
    if model.task == task:
        return model, []
    notice = f"The task of {model.name} changes from {model.task} to {task}, because no version is in use."
    model.task = task
    return model, [notice]


def _get_next_number(model: RegisteredModel) -> int:
    last: int | None = ModelVersion.objects.filter(model=model.pk).aggregate(last=Max("number"))["last"]
    return (last or 0) + 1


def _list_examples(manifest: Manifest) -> list[dict[str, Any]]:
    """Return the examples as JSON, with the paths to which their images will be copied."""
    paths = [example.image and manifest.get_image_path(example) for example in manifest.examples]
    return [
        replace(example, image=get_example_target(image=path, name=manifest.name) if path else "").to_dict()
        for example, path in zip(manifest.examples, paths, strict=True)
    ]
