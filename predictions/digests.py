"""The SHA-256 of an input, which identifies its content regardless of the model, the user, and the time."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from inference.preprocessing import to_canonical_json
from predictions.models import Input


def hash_bytes(data: bytes) -> str:
    """Return the SHA-256 of a file, of the canonical JSON of a row, or of a text in UTF-8."""
    return hashlib.sha256(data).hexdigest()


def hash_features(features: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON (RFC 8785) of a row."""
    return hash_bytes(to_canonical_json(features))


def hash_text(text: str) -> str:
    """Return the SHA-256 of a text in UTF-8."""
    return hash_bytes(text.encode())


def hash_image(data: bytes, features: Mapping[str, Any] | None = None) -> str:
    """Return the SHA-256 of a file, or of a file together with a row of features.

    The latter is the SHA-256 of the canonical JSON of `{"features": {...}, "image": "<SHA-256 of the file>"}`.
    """
    return _combine(hash_bytes(data), features)


def _combine(digest: str, features: Mapping[str, Any] | None) -> str:
    return digest if features is None else hash_features({"features": dict(features), "image": digest})


def hash_stored_image(row: Input, data: bytes) -> str:
    """Return the SHA-256 that an input with this file must have."""
    return combine_image_digest(row, hash_bytes(data))


def combine_image_digest(row: Input, digest: str) -> str:
    """Return the SHA-256 that an input must have whose file has this SHA-256."""
    return _combine(digest, row.features if row.kind == Input.Kind.IMAGE_TABULAR else None)


def hash_stored_values(row: Input) -> str:
    """Return the SHA-256 that an input without a file, which is a text or a row of features, must have."""
    return hash_features(row.features or {}) if row.text is None else hash_text(row.text)
