"""The table of artifact kinds. Each module of this package holds the kinds of one library."""

from mlsite.tests.artifact_kinds.kinds import ArtifactKind, BuiltArtifact, Expected

__all__ = ["ArtifactKind", "BuiltArtifact", "Expected"]
