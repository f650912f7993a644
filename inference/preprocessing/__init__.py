"""From what was sent to the batch that a model takes: an image decoded once, or a row of validated features."""

from inference.preprocessing.arrays import plain_picture, thumbnail, to_array
from inference.preprocessing.batches import collate, prepare, stand_in
from inference.preprocessing.features import canonical_json, from_csv_line, from_texts, read_features, stand_in_row
from inference.preprocessing.reading import ImageLimits, Picture, check_size, read_image

__all__ = [
    "ImageLimits", "Picture", "canonical_json", "check_size", "collate", "from_csv_line", "from_texts",
    "plain_picture", "prepare",
    "read_features", "read_image", "stand_in", "stand_in_row", "thumbnail", "to_array",
]  # fmt: skip
