import pytest
from django.utils import translation

from inference.errors import ImageTooLarge, InvalidFeatures, InvalidInput, ModelUnavailable
from inference.signature import Feature
from predictions.input_errors import describe_error, describe_feature_error, describe_row_error

pytestmark = pytest.mark.once
FEATURE = Feature(name="length", min=0.5, max=10.0, unit="cm")


def test_errors_are_in_the_language_of_the_page_and_in_english_those_of_inference(settings):
    settings.MAX_UPLOAD_BYTES = 2_800_000
    error, value = ImageTooLarge("Too large (3 MB)."), InvalidInput("Expected a number. Received: 11.", code="out-of-range")
    assert describe_error(error, "a.png") == "a.png: Too large (3 MB)."
    assert describe_feature_error(value, FEATURE, "11") == value.message
    with translation.override("de"):
        assert "2,6 MB" in describe_error(error)
        assert "3 MB" not in describe_error(error)
        text = describe_feature_error(value, FEATURE, "11")
        assert "0,5" in text and '"11"' in text and "Received: 11." not in text
        assert "0,5" in describe_row_error(InvalidFeatures([InvalidInput("Expected a number.", field="length")]), [FEATURE])
        assert describe_error(ModelUnavailable("The file is missing.")) == "The file is missing."
