"""The orientation of PNG files, which can be in EXIF data, in a text of ImageMagick, or in XMP."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from inference.preprocessing import ImageLimits, read_image, to_array
from inference.signature import ImageInput

XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="3"/></x:xmpmeta>'


def build_exif() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3
    return exif.tobytes()


def build_info(kind: str) -> PngInfo:
    info = PngInfo()
    if kind == "XMP":
        info.add_itxt("XML:com.adobe.xmp", XMP)
    elif kind == "ImageMagick":
        data = build_exif()
        info.add_text("Raw profile type exif", f"\nexif\n{len(data):8}\n{data.hex()}\n")
    else:
        info.add_text("Comment", "no orientation")
    return info


@pytest.mark.parametrize(("kind", "is_turned"), [("XMP", True), ("ImageMagick", True), ("EXIF", True), ("none", False)])
def test_png_files_are_turned_by_all_kinds_of_metadata(kind, is_turned):
    stored = np.arange(144, dtype=np.uint8).reshape(12, 12)
    out = BytesIO()
    options = {"exif": build_exif()} if kind == "EXIF" else {}
    Image.fromarray(stored).save(out, "PNG", pnginfo=build_info(kind), **options)
    signature = ImageInput(height=12, width=12, channels=1, scale="none")
    array = to_array(read_image(out.getvalue(), ImageLimits()).image, signature)
    assert np.array_equal(array[..., 0], stored[::-1, ::-1] if is_turned else stored)
