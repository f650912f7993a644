"""Files that would keep a decoder busy are rejected early, and valid files that resemble them are accepted."""

import threading
import time
from io import BytesIO

import pytest
from PIL import Image

from inference.errors import InvalidImage
from inference.preprocessing import ImageLimits, limit_total_decoding, make_thumbnail, read_image, read_pixel_count, to_array
from inference.preprocessing.slots import TooManyDecodes, limit_decodes
from inference.signature import ImageInput
from inference.tests.bombs import ACCEPTED, OTHER_REJECTED, REJECTED, add_to_png, make_png, save
from inference.tests.factories import make_image

pytestmark = pytest.mark.once

CASES = {name: (make, "too-complex") for name, make in REJECTED.items()} | OTHER_REJECTED


@pytest.mark.parametrize("name", CASES)
def test_a_bomb_is_rejected_in_a_fraction_of_a_second(name):
    make, code = CASES[name]
    data = make()
    started = time.thread_time()
    with pytest.raises(InvalidImage) as caught:
        read_image(data, ImageLimits())
    read_pixel_count(BytesIO(data))
    assert caught.value.code == code
    assert time.thread_time() - started < 0.6


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_valid_file_that_resembles_a_bomb_is_accepted(name):
    data = ACCEPTED[name]()
    started = time.thread_time()
    assert read_image(data, ImageLimits(), ImageInput(28, 28)).image.width >= 8
    assert time.thread_time() - started < 1.5
    assert make_thumbnail(data, 64)


def test_decoding_stops_when_its_cpu_time_is_over():
    data = make_png(6, 16, 4, size=(3000, 2000))
    started = time.thread_time()
    with pytest.raises(InvalidImage, match="takes longer than") as caught:
        read_image(data, ImageLimits(max_decode_seconds=0.05))
    assert caught.value.code == "too-complex"
    assert time.thread_time() - started < 0.2


def test_a_request_has_a_total_time_and_less_for_rejected_images():
    slow, valid = make_png(6, 16, 4, size=(2000, 1500)), make_image()
    limits = ImageLimits(max_decode_seconds=0.02)
    with limit_total_decoding(seconds=10, rejected_seconds=0.03):
        for _ in range(2):
            with pytest.raises(InvalidImage, match="takes longer"):
                read_image(slow, limits)
        with pytest.raises(InvalidImage, match="another request"):
            read_image(valid, limits)
    with limit_total_decoding(seconds=0, rejected_seconds=1), pytest.raises(InvalidImage, match="another request"):
        read_image(valid, limits)
    assert read_image(valid, limits)


def test_an_owner_decodes_a_limited_number_of_large_images_at_the_same_time(monkeypatch):
    monkeypatch.setattr("inference.preprocessing.slots.OWNER_WAIT_SECONDS", 0.05)
    large, limits = save(Image.new("L", (1200, 1000)), "PNG"), ImageLimits(max_decodes=1)
    with limit_decodes("ann", 1):
        with pytest.raises(TooManyDecodes, match="more than 1 large"):
            read_image(large, limits, owner="ann")
        assert read_image(large, limits, owner="ben") and read_image(large, limits)
        assert read_image(make_image(), limits, owner="ann")
    assert read_image(large, limits, owner="ann")


def test_a_large_image_waits_for_the_previous_one_of_its_owner():
    entered = threading.Event()

    def hold():
        with limit_decodes("ann", 1):
            entered.set()
            time.sleep(0.05)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait()
    with limit_decodes("ann", 1):
        assert not thread.join(1)


def test_a_strip_that_becomes_huge_before_it_is_cropped_is_rejected():
    image = read_image(save(Image.new("RGB", (10_000, 8)), "PNG"), ImageLimits()).image
    with pytest.raises(InvalidImage, match="320,000 × 256") as caught:
        to_array(image, ImageInput(224, 224, resize=256, crop=224))
    assert caught.value.code == "too-complex"
    assert to_array(image, ImageInput(224, 224)).shape == (224, 224, 3)


def test_a_jpeg_smaller_than_the_thumbnail_has_one():
    with Image.open(BytesIO(make_thumbnail(save(Image.new("RGB", (64, 64)), "JPEG"), 256))) as image:
        assert image.size == (64, 64)


def test_unusual_chunks_do_not_change_the_pixels():
    data = add_to_png((b"tEXt", b"a\0b"))
    assert read_image(data, ImageLimits()).image.getpixel((0, 0)) == (0, 0, 0)
