"""Upload handler for large files: write each file of a multipart body to a temporary file of the storage."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from io import FileIO
from typing import IO, Any, cast

from django.core.exceptions import PermissionDenied
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext

from core.storage import write_all
from core.uploadhandler import INCOMPLETE_MESSAGE, MAX_EPILOGUE_BYTES, REPLACEMENT, check_form

CHUNK_BYTES = 256 * 2**10


class StreamedFile(UploadedFile):
    """An uploaded file in a temporary file, which is removed when it is closed unless `store` has renamed it.

    Attributes:
        sha256: of the content, in hexadecimal.
    """

    def __init__(self, descriptor: int, path: str, sha256: str, **options: Any) -> None:
        super().__init__(FileIO(descriptor, "rb+"), **options)
        self.path, self.sha256 = path, sha256
        self.seek(0)

    def store(self, name: str) -> str:
        """Make the file durable under a name of the storage, and return the name. The file stays open for reading.

        Raises:
            StorageUnavailable: the file cannot be stored. Nothing is stored.
        """
        name = default_storage.adopt_file(name, self.fileno(), self.path, sha256=self.sha256)  # type: ignore[attr-defined]
        self.path = ""
        return name

    def close(self) -> None:
        super().close()
        if self.path:
            with suppress(FileNotFoundError):
                os.unlink(self.path)
            self.path = ""


class StreamingUploadHandler(FileUploadHandler):
    """Write files to disk while they are received. Reject a body that is incomplete, as `WholeBodyUploadHandler` does.

    `RequestSizeMiddleware` selects this handler for the routes that accept large files, and limits the size of the body.
    """

    chunk_size = CHUNK_BYTES

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: dict[str, str],  # noqa: N803  the name that Django passes
        content_length: int,
        boundary: Any,
        encoding: str | None = None,
    ) -> tuple[Any, Any]:
        user = getattr(self.request, "user", None)
        if user is None or not user.is_authenticated:
            raise PermissionDenied(gettext("Sign in to upload files."))  # before anything is written
        delimiter, replacement = b"--" + boundary, REPLACEMENT.encode()
        stream = _CountingStream(input_data, delimiter, replacement)
        handler = _FileWriter(self.request)
        closing = delimiter + b"--"
        try:
            form = MultiPartParser(META, cast(Any, stream), [handler], encoding).parse()
            if stream.count < content_length or closing not in stream.tail:
                raise MultiPartParserError(INCOMPLETE_MESSAGE)
            check_form(form, delimiters=stream.counts[delimiter], replacements=stream.counts[replacement])
        except BaseException as error:
            handler.close_files()
            if isinstance(error, UnicodeError):
                raise MultiPartParserError(f"The multipart body is not valid {encoding} text. Send UTF-8.") from error
            raise
        return form


class _CountingStream:
    """A stream that remembers how many bytes were read, the last of them, and how often they contain some sequences."""

    def __init__(self, stream: IO[bytes], *sequences: bytes) -> None:
        self._stream = stream
        self.count = 0
        self.tail = b""
        self.counts = dict.fromkeys(sequences, 0)

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        self.count += len(data)
        for sequence in self.counts:  # which can begin in the data before
            self.counts[sequence] += (self.tail[1 - len(sequence) :] + data).count(sequence)
        self.tail = (self.tail + data)[-MAX_EPILOGUE_BYTES - 100 :]  # a boundary has at most 70 characters
        return data


class _FileWriter(FileUploadHandler):
    """Write each file of a form to a temporary file."""

    chunk_size = CHUNK_BYTES

    def __init__(self, request: Any) -> None:
        super().__init__(request)
        self._descriptor, self._path = -1, ""
        self._hash = hashlib.sha256()
        self._complete: list[StreamedFile] = []

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self._remove_open_file()
        self._hash = hashlib.sha256()
        self._descriptor, self._path = default_storage.open_temporary_file()  # type: ignore[attr-defined]

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        write_all(self._descriptor, raw_data)
        self._hash.update(raw_data)

    def file_complete(self, file_size: int) -> StreamedFile:
        file = StreamedFile(
            self._descriptor,
            self._path,
            self._hash.hexdigest(),
            name=self.file_name,
            content_type=self.content_type,
            size=file_size,
            charset=self.charset,
        )
        self._descriptor = -1
        self._complete.append(file)
        return file

    def upload_interrupted(self) -> None:
        self._remove_open_file()

    def close_files(self) -> None:
        """Remove all files, because the request is rejected."""
        self._remove_open_file()
        for file in self._complete:
            file.close()

    def _remove_open_file(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            with suppress(FileNotFoundError):
                os.unlink(self._path)
