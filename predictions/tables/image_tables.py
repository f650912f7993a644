"""Tables with images: a ZIP archive with one table (CSV) and the images that a column of it names."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from django.core.files.base import ContentFile
from django.utils.translation import gettext

from inference.errors import InvalidInput
from inference.messages import clean_name, format_names
from predictions.tables.archives import ArchiveFile, Member, make_archive_error, split_path
from predictions.tables.columns import fold_name

TABLE_EXTENSIONS = {".csv", ".tsv"}
IMAGE_COLUMN_NAMES = ("image", "file", "filename", "imagefile", "imagename", "path")  # without case and separators
MAX_TABLE_BYTES = 16 * 2**20  # it is in memory while the job runs


class ImageTable:
    """The table of an archive, and the images that its rows name.

    Attributes:
        member: the table.

    Raises:
        InvalidInput: the archive has no table, or several.
    """

    def __init__(self, archive: ArchiveFile) -> None:
        tables = [member for member in archive.members if _get_extension(member) in TABLE_EXTENSIONS]
        if not tables:
            raise make_archive_error(
                gettext("The archive has no table. Add a CSV file with the features and the name of the image of each row."),
                code="no-table",
            )
        if len(tables) > 1:
            raise make_archive_error(
                gettext("The archive has more than one table: %(names)s. Put all rows into one CSV file.")
                % {"names": format_names([member.name for member in tables])},
                code="too-many-tables",
            )
        self._archive, self.member = archive, tables[0]
        paths = {_get_path(member): member for member in archive.members if member is not self.member}
        self._folder = _get_path(self.member)[:-1]
        self._by_path = paths
        counts = Counter(path[-1] for path in paths)
        self._by_name = {path[-1]: member for path, member in paths.items() if counts[path[-1]] == 1}

    def read_table(self) -> ContentFile:
        """Return the table as a file.

        Raises:
            InvalidInput: it is too large, encrypted, or damaged.
        """
        return self._read(self.member, max_bytes=MAX_TABLE_BYTES)

    def find_image(self, text: str) -> Member:
        """Return the image that a cell names: by its path in the archive or next to the table, or by a unique file name.

        Raises:
            InvalidInput: there is none.
        """
        path = _split_cell(text)
        found = self._find_member(path)
        if found is None:
            message = (
                gettext("The archive has no image %(name)s.") % {"name": clean_name(text)}
                if path
                else gettext("The row does not name an image.")
            )
            raise InvalidInput(message, code="missing-image", field="image")
        return found

    def check_size(self, names: Iterable[str]) -> None:
        """Check the size of the images that all rows name together: a copy of the image is stored with each row.

        Raises:
            InvalidInput: it is much larger than the archive, because rows name the same images again and again.
        """
        found = {name: (self._find_member(_split_cell(name)), count) for name, count in Counter(names).items()}
        self._archive.check_expansion(sum(member.info.file_size * count for member, count in found.values() if member))

    def read_image(self, member: Member, *, max_bytes: int) -> ContentFile:
        """Return an image as a file.

        Raises:
            InvalidInput: it is too large, encrypted, or damaged.
        """
        return self._read(member, max_bytes=max_bytes)

    def _find_member(self, path: tuple[str, ...]) -> Member | None:
        found = self._by_path.get((*self._folder, *path)) or self._by_path.get(path)
        return self._by_name.get(path[0]) if found is None and len(path) == 1 else found

    def _read(self, member: Member, *, max_bytes: int) -> ContentFile:
        try:
            return self._archive.read(member, max_bytes=max_bytes)
        except InvalidInput as error:
            raise make_archive_error(f"{member.name}: {error.message}", code=error.code) from error


def find_image_column(columns: Sequence[str], mapped: Mapping[str, str | None]) -> str:
    """Return the column with the names of the images. Columns of features do not count.

    Raises:
        InvalidInput: there is none.
    """
    used = set(mapped.values())
    by_name = {fold_name(column): column for column in reversed(columns) if column not in used}
    for name in IMAGE_COLUMN_NAMES:
        if name in by_name:
            return by_name[name]
    raise make_archive_error(
        gettext("The table has no column with the names of the images. Name this column “image”. The file has %(columns)s.")
        % {"columns": format_names(columns)},
        code="missing-columns",
    )


def _split_cell(text: str) -> tuple[str, ...]:
    return tuple(split_path(text.strip()))


def _get_path(member: Member) -> tuple[str, ...]:
    return tuple(split_path(member.info.filename))


def _get_extension(member: Member) -> str:
    return os.path.splitext(member.name)[1].lower()
