"""Assertions on problem details (RFC 9457)."""

from __future__ import annotations


def assert_problem(response, status, code):
    """Check that a response is a complete problem with this status and code, and return its body."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, "about:blank")
    assert body["detail"]
    assert {"title", "errors"} <= body.keys()
    return body
