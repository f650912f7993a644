"""Sizes of files in a bucket, from lists of its folders in place of a request for each file."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from typing import Any

from core.stored_files import StoredFile

PAGE_SIZE = 250  # of each list: one page of each of the 256 folders takes 10 MB of memory


class ListedSizes:
    """Look up the sizes of input files, in the order of their IDs.

    The names in a folder have the order of the IDs, and so has its list. Each folder is therefore listed once, page by page.

    Args:
        storage: a `core.object_storage.ObjectStorage`.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._lists: dict[str, Iterator[StoredFile]] = {}
        self._next: dict[str, StoredFile | None] = {}

    def find(self, name: str) -> int | None:
        """Return the size of a file in bytes; None if it is not in the list, which may be older than the file.

        Raises:
            StorageUnavailable: the folder cannot be listed.
        """
        folder = posixpath.dirname(name)
        if folder.count("/") != 1:  # of earlier versions, which had 65,536 folders
            return None
        if folder not in self._lists:
            self._lists[folder] = self._storage.iterate_files(folder, page_size=PAGE_SIZE)
            self._next[folder] = next(self._lists[folder], None)
        file = self._next[folder]
        while file and file.name < name:
            file = next(self._lists[folder], None)
        self._next[folder] = file
        return file.size if file and file.name == name else None
