"""Static files that are collected while the server runs."""

from __future__ import annotations

import pytest
from django.http import HttpResponse

from mlsite.static_middleware import StaticFilesMiddleware


@pytest.fixture
def middleware(settings, tmp_path):
    settings.STATIC_ROOT = str(tmp_path / "static")
    (tmp_path / "static" / "mlsite").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    return StaticFilesMiddleware(lambda request: HttpResponse("page", status=404))


def test_files_collected_after_the_start_are_served(middleware, rf, tmp_path):
    assert middleware(rf.get("/static/mlsite/new.css")).status_code == 404
    (tmp_path / "static" / "mlsite" / "new.css").write_text("body {}")
    response = middleware(rf.get("/static/mlsite/new.css"))
    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/css")
    assert response.getvalue() == b"body {}"
    response.close()


INVALID_NAMES = ("../secret.txt", "", "mlsite", "a\0", "mlsite/new.css/x", "x" * 300)


@pytest.mark.parametrize("name", INVALID_NAMES)
def test_other_paths_continue(middleware, rf, tmp_path, name):
    (tmp_path / "static" / "mlsite" / "new.css").write_text("body {}")
    request = rf.get("/")
    request.path_info = f"/static/{name}"
    assert middleware(request).status_code == 404
