"""One file for each kind of artifact, named here and imported only when asked for."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from inference.base import BaseRuntime
from inference.errors import InvalidArtifact

RUNTIMES = {
    "keras": "inference.runtimes.keras.KerasRuntime",
    "dummy": "inference.runtimes.dummy.DummyRuntime",
}


def get_runtime(name: str) -> type[BaseRuntime]:
    """Return a runtime class by its short name, or a foreign one by its dotted path.

    Raises:
        InvalidArtifact: when there is no such runtime.
    """
    module, _, attribute = RUNTIMES.get(name, name).rpartition(".")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        known = ", ".join(RUNTIMES)
        raise InvalidArtifact(f"Expected a runtime ({known}) or the dotted path of one. Received: {name!r}") from error
    if not (isinstance(found, type) and issubclass(found, BaseRuntime)):
        raise InvalidArtifact(f"Expected a subclass of BaseRuntime. Received: {name!r}")
    return found


def runtime_for(path: Path) -> str:
    """Return the name of the runtime that loads files of this ending.

    Raises:
        InvalidArtifact: when none does.
    """
    endings = {suffix: name for name in RUNTIMES for suffix in get_runtime(name).suffixes}
    for suffix, name in endings.items():
        if path.name.endswith(suffix):
            return name
    served = " or ".join(suffix for suffix, name in endings.items() if name != "dummy")
    raise InvalidArtifact(f"Expected a model file that ends in {served}. Received: {path.name}")
