"""Storage of the static files of the site."""

from __future__ import annotations

from typing import Any

from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

SKIPPED_EXTENSIONS = (*Compressor.SKIP_COMPRESS_EXTENSIONS, "map")  # only the developer tools of browsers load source maps


class StaticFilesStorage(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, which compresses with gzip only.

    If the `brotli` package happens to be installed, WhiteNoise compresses each file with its highest level too, which takes
    ten times the CPU of everything else in `collectstatic`.
    """

    def create_compressor(self, **options: Any) -> Compressor:
        return Compressor(**(options | {"extensions": SKIPPED_EXTENSIONS, "use_brotli": False}))
