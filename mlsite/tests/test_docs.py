"""What docs/ says is run: its Python, its model.toml files, its commands, its SQL."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from django.core.management import call_command, get_commands, load_command_class
from django.db import connection

from accounts.models import User
from core.tests.requirements import require
from evaluation.tests.factories import iterate_digit_images
from inference.tests.factories import make_image
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction
from registry.models import AliasChange, ModelVersion
from registry.services import register_model

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"


def blocks(name, *languages):
    """Return (language, text) of the fenced blocks of a page, in order."""
    found = re.findall(r"^```(\w+)\n(.*?)^```$", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in found if language in languages]


def carry_out(language, text):
    """Do what a reader would do with one block."""
    first = text.splitlines()[0]
    if saved := re.fullmatch(r"# (?:save: )?(\S+\.(?:toml|py))", first):
        path = Path(saved[1])
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    elif language == "python":
        exec(compile(text, "docs", "exec"), {})
    else:
        for line in text.splitlines():
            if "manage.py" in line:
                call_command(*shlex.split(line.partition("manage.py ")[2]))


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.xdist_group("tensorflow")
def test_registering_works_as_written(tmp_path, monkeypatch, user):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for folder in ("wine", "photo", "rules"):
        (tmp_path / folder).mkdir()
    (tmp_path / "photo" / "grey.png").write_bytes(make_image(127))
    (tmp_path / "rules" / "weights.csv").write_text("age,2\nincome,0.5\n")
    done = blocks("register.md", "python", "toml", "sh")
    assert len(done) >= 12
    for language, text in done:
        carry_out(language, text)
        for file, folder in (("wine.pkl", "wine"), ("weather.keras", "photo")):
            if (tmp_path / file).exists() and not (tmp_path / folder / file).exists():
                (tmp_path / folder / file).write_bytes((tmp_path / file).read_bytes())
    versions = {str(version): version for version in ModelVersion.objects.select_related("model")}
    assert versions.keys() == {"wine:1", "wine:2", "weather:1", "wine-cultivar:1", "photo:1", "rules:1"}
    row = {"alcohol": 13.2, "magnesium": 100, "hue": 1.05}
    assert predict(user=user, source="api", features=row, model="wine").label == "class_0"
    assert predict(user=user, source="api", features={"age": 30, "income": 10}, model="rules").value == 65
    assert AliasChange.objects.filter(model__name="wine", alias="production").count() == 3


@pytest.mark.django_db
@pytest.mark.xdist_group("sklearn")
def test_each_query_runs_and_joins(user):
    for _ in range(2):
        register_model(path=ROOT / "examples" / "iris", promote=True, user=user)
    row = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    for reference in ("iris:1", "iris:2"):
        predict(user=user, source="api", features=row, model=reference)
    queries = [text for _, text in blocks("sql.md", "sql")]
    answers = []
    for text in queries:
        with connection.cursor() as cursor:
            cursor.execute(text.rstrip().removesuffix(";"))
            names = [column[0] for column in cursor.description]
            answers.append([dict(zip(names, line, strict=True)) for line in cursor.fetchall()])
    joined, columns, compared, moves = answers
    assert [(one["model"], one["username"], one["label"]) for one in joined] == [
        ("iris:2", "ada", "setosa"),
        ("iris:1", "ada", "setosa"),
    ]
    assert "petal_width" in str(joined[0]["features"])
    assert [one["petal_length"] for one in columns] == [1.4, 1.4]
    assert [list(one.values())[1:] for one in compared] == [[1, "setosa", 2, "setosa"]]
    assert [(one["alias"], one["from_version"], one["to_version"]) for one in moves] == [
        ("iris@production", 1, 2),
        ("iris@production", None, 1),
    ]
    assert User.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.xdist_group("tensorflow")
def test_training_on_what_people_said_works_as_written(tmp_path, monkeypatch, user):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    register_model(path=ROOT / "examples" / "digits", promote=True)
    for data, label in iterate_digit_images():
        prediction = make_prediction(user, data)
        review_prediction(prediction=prediction, reviewer=user, true_label=label)
    ((_, text),) = blocks("evaluate.md", "python")
    (command,) = re.findall(r"manage\.py (export_dataset .*)", (DOCS / "evaluate.md").read_text())
    call_command(*shlex.split(command))
    carry_out("python", text)
    made = shutil.copytree(ROOT / "examples" / "digits", tmp_path / "made")
    shutil.copy(tmp_path / "digits.keras", made)
    assert str(register_model(path=made)) == "digits:2"


PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.glob("*.md"))]


def requests_in(page):
    """Return the curl commands of a page, each on one line."""
    text = page.read_text().replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.startswith("    curl ")]


@pytest.mark.site
@pytest.mark.xdist_group("site")
def test_each_request_is_answered(site):
    require("curl", shutil.which("curl"))
    commands = [command for page in PAGES for command in requests_in(page)]
    assert len(commands) >= 7
    environment = os.environ | {"MLSITE_TOKEN": site.token()}
    for command in commands:
        asked = command.replace("http://127.0.0.1:8000", site.url).replace("curl ", "curl -sS --fail-with-body ", 1)
        done = subprocess.run(["bash", "-c", asked], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout.startswith("{"), command


def test_each_command_and_option_that_is_named_is_there():
    named = [
        (page.name, match[1], re.findall(r"--[a-z][a-z-]*", match[2]))
        for page in PAGES
        for match in re.finditer(r"manage\.py ([a-z_]+)([^`|\n]*)", page.read_text())
    ]
    rows = re.findall(r"^\| `([a-z_]+)([^`]*)`", (DOCS / "operate.md").read_text(), re.MULTILINE)
    named += [("operate.md", name, re.findall(r"--[a-z][a-z-]*", rest)) for name, rest in rows if name in get_commands()]
    assert len(named) > 25
    for page, name, options in named:
        assert name in get_commands(), f"{page}: {name}"
        command = load_command_class(get_commands()[name], name)
        known = {flag for action in command.create_parser("manage.py", name)._actions for flag in action.option_strings}
        assert set(options) <= known, f"{page}: {name} {options}"


def test_each_picture_and_link_leads_somewhere():
    links = [
        (page, link)
        for page in PAGES
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text())
        if not link.startswith("http")
    ]
    assert len(links) > 20
    assert [(page.name, link) for page, link in links if not (page.parent / link).exists()] == []


def test_each_page_is_named_in_the_readme():
    pages = [path.name for path in DOCS.glob("*.md")]
    assert len(pages) >= 2
    for name in pages:
        assert f"docs/{name}" in (ROOT / "README.md").read_text()


def test_each_file_that_contributors_are_led_to_is_there():
    named = [
        path
        for page in (ROOT / "CONTRIBUTING.md", DOCS / "contribute.md")
        for path in re.findall(r"`((?:mlsite|inference|predictions|accounts|templates|static)/[\w./-]+)`", page.read_text())
    ]
    assert len(named) > 20
    assert [path for path in named if not (ROOT / path).exists()] == []
