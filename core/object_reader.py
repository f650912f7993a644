"""Read objects of a bucket like files: in blocks, at any position, with bounded memory."""

from __future__ import annotations

import io
from typing import Any

from botocore.exceptions import ClientError

from core.s3 import get_error_code, translate_s3_errors

BLOCK_BYTES = 4 * 2**20  # most images are one block; a batch job reads its file block by block


class ObjectReader(io.RawIOBase):
    """A file that reads an object in blocks.

    No connection is open between two blocks, so that a slow reader loses none. The object must not change meanwhile: a
    changed object is an error.

    Args:
        client: see `core.s3.build_client`.

    Raises:
        FileNotFoundError: the object does not exist.
        StorageUnavailable: it cannot be read at the moment.
    """

    def __init__(self, client: Any, bucket: str, key: str) -> None:
        self._client, self._target = client, {"Bucket": bucket, "Key": key}
        self._position = self._start = 0
        self._block, self._etag = b"", ""
        self.size = 0
        self._fetch(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if origin + offset < 0:
            raise ValueError("Expected a position in the file.")
        self._position = origin + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Read up to the end of the current block."""
        if self._position >= self.size or not len(buffer):
            return 0
        if not self._start <= self._position < self._start + len(self._block):
            self._fetch(self._position)
        offset = self._position - self._start
        data = self._block[offset : offset + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _fetch(self, start: int) -> None:
        options = {"IfMatch": self._etag} if self._etag else {}
        with translate_s3_errors(self._target["Key"]):
            try:
                response = self._client.get_object(
                    **self._target, **options, Range=f"bytes={start}-{start + BLOCK_BYTES - 1}"
                )
            except ClientError as error:
                if start == 0 and get_error_code(error) == "InvalidRange":  # an empty object has no byte 0
                    return
                raise
            with response["Body"] as body:
                self._block = body.read()
        self._start, self._etag = start, response["ETag"]
        self.size = int(response["ContentRange"].rpartition("/")[2])
