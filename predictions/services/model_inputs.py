"""Show the image that a model received for a prediction. It is computed on demand and never stored."""

from __future__ import annotations

import logging

from core.limits import get_image_limits
from inference.errors import InvalidInput
from inference.preprocessing import draw_model_input, read_image
from inference.signature import ImageInput
from predictions.models import Prediction
from predictions.services.stored_files import StoredFileError, read_stored_file

logger = logging.getLogger(__name__)


def read_model_input(prediction: Prediction, signature: ImageInput, *, owner: object) -> bytes:
    """Return the preprocessed image as a PNG. No model is loaded.

    Args:
        owner: the reader, whose images count together for the limit of images that are decoded at the same time.

    Raises:
        StoredFileError: the image is missing or damaged or can no longer be decoded.
        StorageUnavailable: the file cannot be read at the moment.
        Overloaded: the server decodes other large images for too long.
    """
    data = read_stored_file(prediction.input)
    try:
        image = read_image(data, get_image_limits(), signature, owner=owner).image
        return draw_model_input(image, signature)
    except InvalidInput as error:  # decoders and limits may have changed since the upload
        logger.error("stored file not decodable", extra={"input": str(prediction.input_id)})
        raise StoredFileError from error
