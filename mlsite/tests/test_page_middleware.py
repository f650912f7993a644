"""Tests of `mlsite.page_middleware`."""

import sys
from types import FrameType

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from core.frame_space import call_with_frame_space
from mlsite.page_middleware import FrameSpaceMiddleware


def list_callers(request: HttpRequest) -> HttpResponse:
    """Respond with the names of the callers, as far as this module."""
    frame: FrameType | None = sys._getframe(1)
    names = []
    while frame is not None and frame.f_code.co_filename != __file__:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return HttpResponse(" ".join(names))


@pytest.mark.parametrize(
    ("path", "token", "has_space"),
    [
        ("/predictions/", "", True),
        ("/api/v1/predictions/", "", True),  # with a session
        ("/api/v1/predictions/", "mlsite_0123", False),
        ("/v2/models/digits/infer", "mlsite_0123", False),
    ],
)
def test_pages_have_space_for_their_frames(path, token, has_space):
    headers = {"authorization": f"Bearer {token}"} if token else {}
    response = FrameSpaceMiddleware(list_callers)(RequestFactory().get(path, headers=headers))
    names = response.content.decode().split()
    assert ("call_with_frame_space" in names) is has_space
    assert call_with_frame_space.__code__.co_stacksize > 10_000
