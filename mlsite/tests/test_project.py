"""The version is the same everywhere, and pre-commit, stylesheets, and scripts fit together with the rest."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from django.template import engines

from mlsite import __version__

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.once


def test_version_is_the_same_everywhere():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert (project["name"], project["version"]) == ("mlsite", __version__)
    (latest, *_) = re.findall(r"^## \[([\d.]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert latest == __version__


def test_healthz_shows_the_version_without_a_database_query(client, django_assert_num_queries, db):
    with django_assert_num_queries(0):
        response = client.get("/healthz")
    assert response["Content-Type"] == "text/plain"
    assert response.content.decode() == f"ok\nmlsite {__version__}\n"


@pytest.mark.django_db
def test_templates_know_the_version(rf):
    template = engines["django"].from_string("{{ mlsite_version }}")
    assert template.render({}, rf.get("/accounts/login/")) == __version__


def test_pre_commit_runs_the_checks_of_make_check():
    checks = re.search(r"^CHECKS := (.+)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert len(checks) >= 5
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    (repository,) = config["repos"]
    assert [hook["entry"] for hook in repository["hooks"]] == [f"make {check}" for check in checks]


def test_pytest_collects_the_tests_of_every_package():
    options = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    packages = {path.parents[1].name for path in ROOT.glob("*/tests/__init__.py")}
    assert set(options["testpaths"]) == packages | {"clients"}  # whose tests are not a package


def test_no_module_of_a_page_is_imported_by_another():
    """Pages load modules by hashed names, other modules without: the browser would run such a module twice."""
    templates = "".join(path.read_text() for path in ROOT.glob("**/templates/**/*.html") if ".venv" not in path.parts)
    loaded = set(re.findall(r"type=\"module\"\s+src=\"\{% static '([^']+)'", templates))
    imported = set()
    for path in (ROOT / "static").glob("*/*.js"):
        for name in re.findall(r"""(?:from |import\()["'](\.[^"']+)["']""", path.read_text()):
            imported.add(str((path.parent / name).resolve().relative_to(ROOT / "static")))
    assert "predictions/upload.js" in loaded
    assert "predictions/image_cards.js" in imported
    assert loaded & imported == {"mlsite/csrf.js"}  # it sets the same header twice


def test_media_queries_follow_the_font_size_of_the_browser():
    """Django's stylesheets of the admin do not, so those that change the same pages cannot."""
    paths = [path for path in (ROOT / "static").rglob("*.css") if "vendor" not in path.parts and "admin" not in path.name]
    fixed = [str(path) for path in paths if re.search(r"@media[^{]*width: *\d+px", path.read_text())]
    assert (len(paths) > 40, fixed) == (True, [])
