"""The request class of the server."""

from __future__ import annotations

import pytest
from django.core.exceptions import DisallowedHost
from django.test import RequestFactory
from django.utils.http import parse_header_parameters
from hypothesis import example, given
from hypothesis import strategies as st

from mlsite.requests import Utf8Request

MEDIA_TYPES = ("multipart/form-data", "application/json", "image/svg+xml", "Text/Plain", "a", "")
TEXTS = st.text("abcXYZ019 ;:=?'\"()+_,./*%\\\t", max_size=30)


@given(st.sampled_from(MEDIA_TYPES), st.sampled_from(["", ";", "; boundary=", ";boundary=", "; charset="]), TEXTS)
@example("MULTIPART/FORM-DATA", "; Boundary=", "aB")
@example("multipart/form-data", "; boundary=", '"a b"')
@example("multipart/form-data", "; boundary=", '"a"')
@example("multipart/form-data", "; boundary=", "a; charset=utf-7")
def test_content_types_are_parsed_as_by_django(media_type, parameter, text):
    header = media_type + parameter + text
    request = Utf8Request(RequestFactory()._base_environ(CONTENT_TYPE=header))
    assert (request.content_type, request.content_params) == parse_header_parameters(header)
    assert parse_header_parameters(request.META["CONTENT_TYPE"]) == (request.content_type, request.content_params)


def test_parameters_in_an_unknown_encoding_are_dropped():
    request = Utf8Request(RequestFactory()._base_environ(CONTENT_TYPE="Multipart/Form-Data; boundary*=zzz''b"))
    assert (request.content_type, request.content_params) == ("multipart/form-data", {})
    assert request.META["CONTENT_TYPE"] == "multipart/form-data"


def test_an_invalid_host_is_refused_each_time():
    request = Utf8Request(RequestFactory()._base_environ(HTTP_HOST="other.example"))
    for _ in range(2):
        with pytest.raises(DisallowedHost):
            request.get_host()


def test_the_host_is_that_of_the_request():
    request = Utf8Request(RequestFactory()._base_environ(HTTP_HOST="testserver:8000"))
    assert [request.get_host() for _ in range(2)] == ["testserver:8000"] * 2


def test_each_request_has_its_own_host(settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    for host in settings.ALLOWED_HOSTS * 2:
        request = Utf8Request(RequestFactory()._base_environ(HTTP_HOST=host))
        assert [request.get_host() for _ in range(2)] == [host] * 2
