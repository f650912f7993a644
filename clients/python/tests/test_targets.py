"""Files that the client writes. Whether they can be written is checked before the server does the work."""

from __future__ import annotations

import httpx
import pytest
from mlsite_client import Client
from mlsite_client.cli import main

pytestmark = pytest.mark.once
JOB = {
    "id": "01a1fb01-0971-77a1-91ee-40e3b3456e9b",
    "url": "/api/v1/batch-jobs/01a1fb01-0971-77a1-91ee-40e3b3456e9b/",
    "status": "succeeded",
    "progress": {"total": 1, "succeeded": 1, "failed": 0},
}
UNREACHABLE = ["--url", "http://127.0.0.1:9", "--token", "t"]


class Body(httpx.SyncByteStream):
    """A body that counts its bytes when they are read."""

    def __init__(self) -> None:
        self.read_bytes = 0

    def __iter__(self):
        for _ in range(100):
            self.read_bytes += 1000
            yield b"x" * 1000


@pytest.mark.parametrize(("name", "message"), [("", "Is a directory"), ("missing/results.csv", "No such file or directory")])
def test_a_download_to_an_impossible_target_is_not_read(tmp_path, name, message):
    body = Body()
    transport = httpx.MockTransport(lambda request: httpx.Response(200, stream=body))
    with Client("http://mlsite.test", "t", transport=transport) as client, pytest.raises(OSError, match=message) as caught:
        client.export(tmp_path / name)
    assert body.read_bytes == 0
    assert not caught.value.filename.endswith(".part")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["", "missing/results.csv"])
def test_a_batch_job_is_not_started_if_its_results_cannot_be_written(tmp_path, capsys, name):
    table = tmp_path / "rows.csv"
    table.write_text("a\n1\n")
    assert main([*UNREACHABLE, "predict", str(table), "--output", str(tmp_path / name)]) == 2
    assert "No response" not in capsys.readouterr().err


def test_the_results_of_a_batch_job_need_no_file_in_the_current_folder(tmp_path, capsys, monkeypatch):
    (tmp_path / "rows.csv").write_text("a\n1\n")
    files = []

    def stream():
        files.extend(path.name for path in tmp_path.iterdir())
        yield b"a,label\n"

    def respond(_: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=stream()) if "results" in request.url.path else httpx.Response(200, json=JOB)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", respond)
    assert main(["--url", "http://mlsite.test", "--token", "t", "predict", "rows.csv"]) == 0
    assert (capsys.readouterr().out, files) == ("a,label\n", ["rows.csv"])


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "1e9", "soon"])
def test_a_timeout_that_is_no_duration_is_rejected(capsys, seconds):
    with pytest.raises(SystemExit) as caught:
        main([*UNREACHABLE, "--timeout", seconds, "list"])
    assert caught.value.code == 2
    assert f"Received: {seconds}" in capsys.readouterr().err
