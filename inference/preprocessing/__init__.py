"""Convert request data to model inputs, and model inputs to a batch."""

from inference.preprocessing.arrays import to_array
from inference.preprocessing.batches import collate_items, find_warnings, make_sample_input, prepare_input
from inference.preprocessing.csv_rows import (
    CellConverter,
    CsvReader,
    detect_delimiter,
    find_unused_names,
    parse_csv_line,
    read_delimiter_line,
)
from inference.preprocessing.deadline import limit_total_decoding
from inference.preprocessing.features import (
    make_sample_row,
    parse_strings,
    read_features,
    to_canonical_json,
)
from inference.preprocessing.images import DecodedImage, ImageLimits, check_file_size, read_image, read_pixel_count
from inference.preprocessing.model_view import draw_model_input
from inference.preprocessing.samples import make_sample_inputs
from inference.preprocessing.thumbnails import make_thumbnail, normalize_image

__all__ = [
    "CellConverter", "CsvReader", "DecodedImage", "ImageLimits", "check_file_size", "collate_items", "detect_delimiter",
    "draw_model_input", "find_unused_names", "find_warnings", "limit_total_decoding", "make_sample_input",
    "make_sample_inputs", "make_sample_row", "make_thumbnail", "normalize_image", "parse_csv_line", "parse_strings",
    "prepare_input", "read_delimiter_line", "read_features", "read_image", "read_pixel_count", "to_array",
    "to_canonical_json",
]  # fmt: skip
