"""From the bytes of an uploaded image to the array that a model takes, with one decode."""

from inference.preprocessing.arrays import thumbnail, to_array
from inference.preprocessing.reading import ImageLimits, Picture, check_size, read_image

__all__ = ["ImageLimits", "Picture", "check_size", "read_image", "thumbnail", "to_array"]
