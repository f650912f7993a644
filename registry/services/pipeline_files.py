"""Put a network and its preprocessing file into one folder, which is registered as one artifact."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from inference.runtimes.pipeline import write_pipeline
from registry.manifest import Manifest


@contextmanager
def stage_artifact(manifest: Manifest) -> Iterator[Manifest]:
    """Yield a manifest whose artifact contains the file of `[preprocess]`, so that hashes cover both files."""
    if manifest.preprocess is None:
        yield manifest
        return
    with TemporaryDirectory() as workspace:
        folder = Path(workspace, "pipeline")
        network, preprocess = (folder / name for name in ("network", "preprocess"))
        for target, source in ((network, manifest.artifact), (preprocess, manifest.preprocess)):
            target.mkdir(parents=True)
            copy = shutil.copytree if source.is_dir() else shutil.copyfile
            copy(source, target / source.name)
        write_pipeline(
            folder,
            preprocess=f"preprocess/{manifest.preprocess.name}",
            network=f"network/{manifest.artifact.name}",
            runtime=manifest.runtime,
        )
        yield replace(manifest, artifact=folder, runtime="pipeline")
