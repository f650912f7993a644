"""The examples in README.md and docs/ work."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from core.tests.requirements import require
from evaluation.tests.factories import iterate_digit_images
from mlsite.tests.docs import CLIENT, DOCS, PAGES, ROOT
from predictions.services import predict, review_prediction
from predictions.tests.factories import make_prediction
from registry.models import AliasChange, ModelVersion
from registry.services import register_model

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
PYTHON_PAGES = [*(DOCS / name for name in ("api.md", "background.md", "batch.md", "v2.md")), CLIENT / "README.md"]
SITE_URL = "http://127.0.0.1:8000"
UNREGISTERED_MODELS = r'"model": ?"(?:reviews|wine)"|parcel\.png'  # which readers register themselves
MACHINE_PAGES = ("deploy.md", "runbook.md", "object-storage.md")  # their commands install software, or need other servers
REGISTRATION_PAGES = ("register.md", "images.md", "tables.md", "texts.md", "outputs.md", "formats.md")


def read_blocks(name, *languages):
    """Return (language, text) of the fenced code blocks of a page, in order."""
    blocks = re.findall(r"^```(\w+)\n(.*?)^```$", (DOCS / name).read_text(), re.MULTILINE | re.DOTALL)
    return [(language, text) for language, text in blocks if language in languages]


def run_block(language, text):
    """Do what a reader does with a block: save a file, run Python code, or run commands. Requests with curl are left out."""
    first_line = text.splitlines()[0]
    if match := re.fullmatch(r"# (?:save: )?(\S+\.(?:toml|py))", first_line):
        path = Path(match[1])
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    elif language == "python":
        exec(compile(text, "docs", "exec"), {})
    elif language == "sh":
        for line in text.splitlines():
            _, _, command = line.partition("manage.py ")
            if command:
                call_command(*shlex.split(command))
            elif not line.startswith(("curl", " ")):
                subprocess.run(line.replace(".venv/bin/python", sys.executable), shell=True, check=True)


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.xdist_group("tensorflow")
def test_registration_examples_work(tmp_path, monkeypatch, user):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    blocks = [block for page in REGISTRATION_PAGES for block in read_blocks(page, "python", "toml", "sh")]
    assert len(blocks) >= 12
    for language, text in blocks:
        run_block(language, text)
    versions = {str(version) for version in ModelVersion.objects.select_related("model")}
    assert versions == {
        "wine:1",
        "wine:2",
        "weather:1",
        "cultivar:1",
        "wine-cultivar:1",
        "photo:1",
        "rules:1",
        "reviews:1",
        "sentiment:1",
        "parcel:1",
    }
    row = {"alcohol": 13.2, "magnesium": 100, "hue": 1.05}
    assert predict(user=user, source="api", features=row, model="wine").label == "class_0"
    assert predict(user=user, source="api", features={"age": 30, "income": 10}, model="rules").value == 65
    assert AliasChange.objects.filter(model__name="wine", alias="production").count() == 3


@pytest.mark.django_db
@pytest.mark.xdist_group("sklearn")
def test_sql_examples_return_the_expected_rows(user, tmp_path):
    folder = shutil.copytree(ROOT / "examples" / "iris", tmp_path / "iris")
    for notes in ("First.", "Second."):
        text = (folder / "model.toml").read_text()
        (folder / "model.toml").write_text(re.sub("^notes = .*$", f'notes = "{notes}"', text, flags=re.MULTILINE))
        register_model(path=folder, promote=True, user=user)
    features = {"sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}
    for reference in ("iris:1", "iris:2"):
        predict(user=user, source="api", features=features, model=reference)
    tables = [run_query(text) for _, text in read_blocks("sql.md", "sql")]
    predictions, columns, comparisons, changes = tables
    assert [(row["model"], row["username"], row["label"]) for row in predictions] == [
        ("iris:2", "ada", "setosa"),
        ("iris:1", "ada", "setosa"),
    ]
    assert "petal_width" in str(predictions[0]["features"])
    assert [row["petal_length"] for row in columns] == [1.4, 1.4]
    assert [list(row.values())[1:] for row in comparisons] == [[1, "setosa", 2, "setosa"]]
    assert [(row["alias"], row["from_version"], row["to_version"]) for row in changes] == [
        ("iris@production", 1, 2),
        ("iris@production", None, 1),
    ]
    assert User.objects.count() == 1


def run_query(text):
    """Run a SELECT statement and return its rows as dictionaries."""
    with connection.cursor() as cursor:
        cursor.execute(text.rstrip().removesuffix(";"))
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]


@pytest.mark.once
@pytest.mark.django_db
@pytest.mark.xdist_group("tensorflow")
def test_training_example_creates_the_next_version(tmp_path, monkeypatch, user):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    register_model(path=ROOT / "examples" / "digits", promote=True)
    for image, label in iterate_digit_images():
        review_prediction(prediction=make_prediction(user, image), reviewer=user, true_label=label)
    ((_, text),) = read_blocks("evaluate.md", "python")
    (command,) = re.findall(r"manage\.py (export_dataset .*)", (DOCS / "evaluate.md").read_text())
    call_command(*shlex.split(command))
    run_block("python", text)
    folder = shutil.copytree(ROOT / "examples" / "digits", tmp_path / "next")
    shutil.copy(tmp_path / "digits.keras", folder)
    assert str(register_model(path=folder)) == "digits:2"


def uses_site_models(block):
    return not re.search(UNREGISTERED_MODELS, block)


def read_shell_blocks(page):
    """Return the indented blocks and the fenced sh blocks of a page that contain curl commands."""
    text = page.read_text()
    indented = re.findall(r"^(?: {4}.*\n)+", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    blocks = map(textwrap.dedent, [*indented, *re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)])
    return [block for block in blocks if re.search(r"\bcurl ", block) and uses_site_models(block)]


@pytest.mark.site
@pytest.mark.xdist_group("site")
def test_curl_examples_succeed(site):
    require("curl", shutil.which("curl"))
    examples = [block for page in PAGES if page.name not in MACHINE_PAGES for block in read_shell_blocks(page)]
    assert len(examples) >= 17
    environment = os.environ | {"MLSITE_TOKEN": site.create_token()}
    for example in examples:
        commands = re.sub(r"\bcurl ", "curl -sS --fail-with-body ", example.replace(SITE_URL, site.url))
        process = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.returncode == 0, f"{example}\n{process.stdout}{process.stderr}"
        assert process.stdout.startswith("{"), example


@pytest.mark.once
@pytest.mark.site
@pytest.mark.xdist_group("site")
def test_python_examples_succeed(site, tmp_path):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    variables = {"MLSITE_URL": site.url, "MLSITE_TOKEN": site.create_token(), "PYTHONPATH": str(CLIENT / "src")}
    processes = {page: start_examples(page, site.url, folder=tmp_path, variables=variables) for page in PYTHON_PAGES}
    for page, process in processes.items():  # they run at the same time
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, f"{page}\n{output}"
        assert output, page


def start_examples(page, url, *, folder, variables):
    """Start a process that runs the Python code of a page, from top to bottom."""
    blocks = re.findall(r"^```python\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    script = "\n".join(block for block in blocks if uses_site_models(block))
    script = script.replace(SITE_URL, url).replace(SITE_URL.removeprefix("http://"), url.removeprefix("http://"))
    return subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=folder,
        env=os.environ | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
