"""The OpenAPI schema: a validator and code generators accept it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from core.tests.requirements import require

OPENAPI_TYPESCRIPT = "openapi-typescript@7.13.0"
OPENAPI_PYTHON_CLIENT = "openapi-python-client==0.29.1"
# openapi-python-client does not support these media types. The configuration declares that they are binary.
MEDIA_TYPES = ("image/*", "image/jpeg", "image/png", "image/webp", "text/csv", "application/x-ndjson", "application/jsonl")
WITHOUT_EXAMPLE = {"inputs_image", "predictions_reviews_withdraw", "webhooks_delete"}  # their bodies have no JSON and no CSV
SCRIPT = """
import sys
from generated.client import AuthenticatedClient
from generated.api.predictions import predictions_create, predictions_list
from generated import models
body_class = getattr(models, sys.argv[3])
with AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2]) as client:
    body = body_class.from_dict({"model": "iris", "features": {
        "sepal_length": 5.1, "sepal_width": 3.5, "petal_length": 1.4, "petal_width": 0.2}})
    created = predictions_create.sync(client=client, body=body)
    listed = predictions_list.sync(client=client, model="iris")
    print(created.label, created.id == listed.results[0].id)
"""


def make_schema(folder: Path) -> Path:
    """Write the schema as JSON, and fail if generating it causes a warning."""
    path = folder / "openapi.json"
    command = [sys.executable, "manage.py", "spectacular", "--format", "openapi-json", "--fail-on-warn", "--file", str(path)]
    environment = os.environ | {"SECRET_KEY": "x", "ENV_FILE": "", "VAR_DIR": str(folder)}
    subprocess.run(command, cwd=Path(__file__).parents[2], env=environment, check=True)
    return path


@pytest.mark.once
def test_the_schema_is_valid(tmp_path):
    schema = json.loads(make_schema(tmp_path).read_text())
    assert schema["openapi"].startswith("3.1")
    validate(schema)
    assert [name for name in schema["components"]["schemas"] if name.endswith("RequestRequest")] == []
    assert '"nullable"' not in json.dumps(schema)  # OpenAPI 3.0; in 3.1, null is a type
    check_operations(schema)
    check_errors(schema)
    check_bodies(schema)


def check_operations(schema):
    """Each operation has a summary, a clean name, and an example that matches its schema, unless it has no JSON or CSV.

    Each query parameter has a description.
    """
    operations = [operation for path in schema["paths"].values() for operation in path.values()]
    assert len(operations) > 20
    for operation in operations:
        name = operation["operationId"]
        assert 5 < len(operation["summary"]) < 90, name
        assert not re.search(r"_\d+$|retrieve|destroy", name)
        parameters = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
        assert [parameter["name"] for parameter in parameters if not parameter.get("description")] == [], name
        contents = [content for part in find_contents(operation) for content in part.items()]
        examples = [(content, value) for _, content in contents for value in list_examples(content)]
        assert examples or name in WITHOUT_EXAMPLE, f"{name} has no example"
        for content, value in examples:
            validator = Draft202012Validator({**content["schema"], "components": schema["components"]})
            assert [error.message for error in validator.iter_errors(value)] == [], name


def check_errors(schema):
    """Each operation describes all errors as problems, also those of the server, such as 414 and 431."""
    for path in schema["paths"].values():
        for operation in path.values():
            errors = {status: response for status, response in operation["responses"].items() if status[0] in "45"}
            assert {"401", "403", "4XX", "500", "503"} <= errors.keys(), operation["operationId"]
            for response in errors.values():
                assert response["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")


def check_bodies(schema):
    """Clients of OpenAPI Generator support one media type only, and no alternatives to a type. They take booleans."""
    for path in ("/api/v1/predictions/", "/api/v1/predictions/batch/"):
        assert next(iter(schema["paths"][path]["post"]["requestBody"]["content"])) == "application/json"
    assert list(schema["paths"]["/api/v1/batch-jobs/"]["post"]["requestBody"]["content"]) == ["multipart/form-data"]
    for path in ("/api/v1/predictions/", "/api/v1/predictions/export/"):
        parameters = {item["name"]: item["schema"] for item in schema["paths"][path]["get"]["parameters"]}
        assert parameters["reviewed"] == {"type": "boolean"}


def find_contents(operation):
    """Yield the contents of the request and of successful responses by media type."""
    yield operation.get("requestBody", {}).get("content", {})
    for status, response in operation["responses"].items():
        if status.startswith("2"):
            yield response.get("content", {})


def list_examples(content):
    named = [example["value"] for example in content.get("examples", {}).values()]
    return [*named, content["example"]] if "example" in content else named


@pytest.mark.slow
@pytest.mark.services
def test_types_of_typescript_are_generated(tmp_path):
    require("npx", shutil.which("npx"))
    command = ["npx", "--yes", OPENAPI_TYPESCRIPT, str(make_schema(tmp_path)), "-o", str(tmp_path / "api.ts")]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=180)
    types = (tmp_path / "api.ts").read_text()
    assert '"/api/v1/predictions/batch/"' in types
    check = ["npx", "--yes", "--package", "typescript@5.9.3", "tsc", "--noEmit", "--strict", "api.ts"]
    process = subprocess.run(check, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=180)
    assert process.returncode == 0, process.stdout


@pytest.mark.slow
@pytest.mark.services
@pytest.mark.site
@pytest.mark.xdist_group("site")
def test_a_generated_python_client_predicts(site, tmp_path):
    folder = tmp_path / "venv"
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", OPENAPI_PYTHON_CLIENT]
    subprocess.run(install, check=True, capture_output=True, timeout=300)
    schema = make_schema(tmp_path)
    config = {
        "package_name_override": "generated",
        "post_hooks": [],
        "content_type_overrides": dict.fromkeys(MEDIA_TYPES, "application/octet-stream"),
    }
    (tmp_path / "config.json").write_text(json.dumps(config))
    generate = ["generate", "--path", str(schema), "--config", str(tmp_path / "config.json"), "--fail-on-warning"]
    process = subprocess.run(
        [
            str(folder / "bin" / "openapi-python-client"),
            *generate,
            "--meta",
            "none",
            "--output-path",
            str(tmp_path / "generated"),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    body = json.loads(schema.read_text())["paths"]["/api/v1/predictions/"]["post"]["requestBody"]["content"]
    name = body["application/json"]["schema"]["$ref"].rpartition("/")[2]
    command = [python, "-c", SCRIPT, site.url, site.create_token(), name]
    process = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert process.stdout.split() == ["setosa", "True"], process.stdout + process.stderr
