"""Files of batch jobs for tests of the pages."""

import zipfile
from io import BytesIO

from django.core.files.uploadedfile import SimpleUploadedFile

from inference.tests.factories import make_image

TABLE = "Petals;length;colour;note\n5;4,5;white;a\n3;x;white;b\n2;1,5;red;c\n"


def make_table(text=TABLE, name="rows.csv"):
    return SimpleUploadedFile(name, text.encode())


def make_archive(names=("a.png", "b.png")):
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, name in enumerate(names):
            # The default time of a member is the current one, so that two archives could differ.
            archive.writestr(zipfile.ZipInfo(name), make_image(255 * number // max(1, len(names) - 1)))
    return SimpleUploadedFile("images.zip", out.getvalue())
