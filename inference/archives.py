"""Check compressed archives before they are unpacked."""

from __future__ import annotations

import zipfile

from inference.errors import InvalidArtifact

UNCHECKED_BYTES = 64 * 2**20  # an archive that unpacks to less can have any compression ratio
MAX_COMPRESSION_RATIO = 20  # unpacked to packed; the numbers of a model hardly compress, random forests about 10 times


def check_compression(archive: zipfile.ZipFile, *, name: str, size: int) -> None:
    """Reject an archive with an unusually high compression ratio.

    Args:
        size: of the archive in bytes. The sizes of its members are not summed up, because they can overlap.

    Raises:
        InvalidArtifact: the ratio is too high.
    """
    unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > max(UNCHECKED_BYTES, MAX_COMPRESSION_RATIO * size):
        raise InvalidArtifact(
            f"The compression ratio is too high for a model: {name} unpacks from {size:,} to {unpacked:,} bytes."
        )
