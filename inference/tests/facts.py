"""What artifacts may say of themselves, and settling it, for tests."""

from __future__ import annotations

import re
from typing import Any

import pytest

from inference.errors import InvalidSignature
from inference.signature import Signature
from inference.signature.settling import settle
from inference.types import ArtifactFacts, Tensor

RAW = {"kind": "raw"}


def matrix(width: int | None = 2, dtype: str = "float32") -> ArtifactFacts:
    return ArtifactFacts(inputs=(Tensor("x", dtype, (width,)),))


def image(*shape: int | None, dtype: str = "float32") -> ArtifactFacts:
    return ArtifactFacts(inputs=(Tensor("image", dtype, shape),))


def columns(**dtypes: str) -> ArtifactFacts:
    return ArtifactFacts(inputs=tuple(Tensor(name, dtype, (1,)) for name, dtype in dtypes.items()))


def giving(*outputs: Any, labels: tuple[str, ...] = ()) -> ArtifactFacts:
    return ArtifactFacts(inputs=matrix().inputs, outputs=tuple(Tensor(*one) for one in outputs), labels=labels)


def settled(facts: ArtifactFacts, taken: Any = None, output: Any = None, labels: Any = ()) -> tuple[Signature, Any]:
    return settle(facts, given_input=taken or {}, given_output=output or {}, labels=labels)


def refuses(facts: ArtifactFacts, says: str, taken: Any = None, output: Any = None, labels: Any = ()) -> None:
    with pytest.raises(InvalidSignature, match=re.escape(says)):
        settled(facts, taken, output, labels)
