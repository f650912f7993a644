"""The Python examples that send requests work as they are, with a running site."""

from __future__ import annotations

import re
import shutil
from typing import Any

import pytest

from mlsite.tests.site import ROOT, SAMPLES

pytestmark = [
    pytest.mark.once,
    pytest.mark.site,
    pytest.mark.xdist_group("site"),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning"),
]
CLIENT_PAGE = "clients/python/README.md"


@pytest.fixture
def folder(site, tmp_path, monkeypatch):
    """Work in a checkout with the files that the examples name."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "scans").symlink_to(SAMPLES)
    shutil.copy(SAMPLES / "two.png", tmp_path / "scan.png")
    shutil.copy(ROOT / "examples" / "iris" / "samples.csv", tmp_path / "flowers.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLSITE_TOKEN", site.create_token())
    monkeypatch.setenv("MLSITE_URL", site.url)
    return tmp_path


def read_examples(page):
    blocks = re.findall(r"^```python\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)
    return [block for block in blocks if "parcel" not in block]  # a model that the site does not have


@pytest.mark.parametrize("page", ["docs/api.md", "docs/background.md"])
def test_each_example_works_alone(site, folder, capsys, page):
    for block in read_examples(page):
        exec(compile(block.replace("127.0.0.1:8000", f"127.0.0.1:{site.port}"), page, "exec"), {})
        assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    ("page", "output"), [("docs/v2.md", ["[b'setosa']", "[b'7']"]), (CLIENT_PAGE, ["7 1.0", "scans/nine.png 9", "['"])]
)
def test_examples_of_a_page_work_in_order(site, folder, capsys, page, output):
    names: dict[str, Any] = {}
    for block in read_examples(page):
        exec(compile(block.replace("127.0.0.1:8000", f"127.0.0.1:{site.port}"), page, "exec"), names)
    names["client"].close()
    printed = capsys.readouterr().out
    assert [text for text in output if text not in printed] == []
    if page == CLIENT_PAGE:
        assert "setosa" in (folder / "results.csv").read_text()
