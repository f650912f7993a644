"""Responses to HEAD requests have no body, and the server does not compute it."""

from __future__ import annotations

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpResponse, StreamingHttpResponse
from django.test import RequestFactory

from core.streaming import start_stream
from mlsite.head_middleware import HeadMiddleware


class Export:
    """Parts of a streamed response, and what became of them."""

    def __init__(self) -> None:
        self.count, self.is_closed = 0, False

    def iterate(self):
        try:
            for _ in range(10):
                self.count += 1
                yield b"row\n"
        finally:
            self.is_closed = True


@pytest.mark.parametrize(("method", "count"), [("HEAD", 1), ("GET", 10)])
def test_an_export_is_only_computed_if_it_is_sent(method, count):
    export = Export()
    request = RequestFactory().generic(method, "/")
    response = HeadMiddleware(lambda _: StreamingHttpResponse(start_stream(export.iterate())))(request)
    assert len(list(response)) == (10 if method == "GET" else 0)
    response.close()
    assert (export.count, export.is_closed) == (count, True)


def test_the_content_length_stays():
    response = HeadMiddleware(lambda _: HttpResponse(b"page"))(RequestFactory().head("/"))
    assert (response.content, response["Content-Length"]) == (b"", "4")


@pytest.mark.django_db
def test_the_site_sends_the_server_no_body_for_head_requests():
    heads = []
    environ = RequestFactory()._base_environ(PATH_INFO="/accounts/login/", REQUEST_METHOD="HEAD", HTTP_HOST="localhost")
    response = WSGIHandler()(environ, lambda status, headers: heads.append((status, dict(headers))))
    body = b"".join(response)
    response.close()
    status, headers = heads[0]
    assert (status, body) == ("200 OK", b"")
    assert int(headers["Content-Length"]) > 1000
