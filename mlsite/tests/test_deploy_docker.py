"""The image and the containers in deploy/docker/. Containers cannot run in CI, so their files are checked."""

import copy
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from compose_spec import PyCompose
from django.core.management import get_commands

from mlsite.tests.proxies import NGINX_MAIN
from mlsite.tests.site import ROOT
from mlsite.tests.test_deploy import nginx  # noqa: F401  a fixture

pytestmark = pytest.mark.once
DOCKER = ROOT / "deploy" / "docker"
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")


@pytest.fixture
def compose():
    """Return the parsed compose file with an example of each variable."""
    text = (DOCKER / "compose.yaml").read_text()
    return yaml.safe_load(VARIABLE.sub(lambda found: found[3] if found[2] == "-" else "/example", text))


def test_hadolint_accepts_the_dockerfile(tmp_path):
    hadolint = shutil.which("hadolint") or str(Path(sys.executable).parent / "hadolint")
    process = subprocess.run([hadolint, DOCKER / "Dockerfile"], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout
    (tmp_path / "Dockerfile").write_text("FROM python\nRUN sudo cd x\n")
    assert subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True, check=False).returncode == 1


def test_the_image_does_not_run_as_root_and_has_no_secret():
    text = (DOCKER / "Dockerfile").read_text()
    *_, last_stage = text.split("\nFROM ")
    assert re.findall(r"^USER (.+)$", last_stage, re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in last_stage
    assert not re.search(r"^(ENV|ARG)[^\n]*(SECRET|PASSWORD|TOKEN)", text, re.MULTILINE)
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".*", "var", "**/.env", "**/tests"} <= set(ignored)
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", text, re.MULTILINE):
        assert all((ROOT / name).exists() for name in source.split())


def test_the_compose_file_follows_the_specification(compose):
    PyCompose.from_json(json.dumps(compose)).validate()
    for change in ({"restart": "sometimes"}, {"stop_grace_period": "soon"}, {"unknown": 1}):
        damaged = copy.deepcopy(compose)
        damaged["services"]["web"] |= change
        with pytest.raises(ValueError):
            PyCompose.from_json(json.dumps(damaged)).validate()


def test_the_services_start_in_order_and_wait_for_running_requests(compose):
    services = compose["services"]
    for service in services.values():
        for name, condition in service.get("depends_on", {}).items():
            health = services[name].get("healthcheck") or {"from": "the image"}
            assert condition["condition"] != "service_healthy" or not health.get("disable")
    assert set(services["web"]["depends_on"]) == {"migrate", "rabbitmq"}
    assert int(services["web"]["stop_grace_period"].rstrip("s")) > 30  # graceful_timeout in mlsite/gunicorn.py
    for name, service in services.items():
        if service["image"].startswith("mlsite:"):
            assert service["read_only"], name
            assert service["cap_drop"] == ["ALL"], name


def test_the_commands_exist(compose):
    programs = {"gunicorn", "celery", "python"}
    commands = [service["command"] for service in compose["services"].values() if service["image"].startswith("mlsite:")]
    assert {command[0] for command in commands} == programs
    for command in commands:
        if command[:2] == ["python", "manage.py"]:
            assert command[2] in get_commands()


def test_only_the_relay_sends_events(compose):
    services = [service for service in compose["services"].values() if service["image"].startswith("mlsite:")]
    assert [service["command"][-1] for service in services].count("relay_events") == 1
    assert {service["environment"]["EVENT_RELAY_SECONDS"] for service in services} == {"0"}


def test_each_variable_has_an_example():
    used = {name for name, mode, _ in VARIABLE.findall((DOCKER / "compose.yaml").read_text()) if mode != "-"}
    example = set(re.findall(r"^([A-Z_]+)=", (DOCKER / "env.example").read_text(), re.MULTILINE))
    assert used <= example
    known = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert example - used <= known


def test_nginx_accepts_the_configuration_that_its_container_writes(compose, tmp_path, nginx):  # noqa: F811
    """The command of the service writes it with sed. Names of containers do not resolve here."""
    script = compose["services"]["nginx"]["command"][2].replace("$$SERVER_NAME", "mlsite.example.org")
    script = script.partition(" && exec ")[0].replace("web:8000", "127.0.0.2:8000")
    script = script.replace("/etc/mlsite/mlsite.conf", shlex.quote(str(ROOT / "deploy/nginx/mlsite.conf")))
    subprocess.run(["sh", "-c", script.replace("/etc/nginx/conf.d/default.conf", f"{tmp_path}/mlsite.conf")], check=True)
    text = (tmp_path / "mlsite.conf").read_text()
    assert "server 127.0.0.2:8000;" in text
    certificate = ["-subj", "/CN=x", "-keyout", f"{tmp_path}/key", "-out", f"{tmp_path}/certificate"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *certificate], check=True, capture_output=True
    )
    for path, name in {"/etc/ssl/certs/mlsite.pem": "certificate", "/etc/ssl/private/mlsite.key": "key"}.items():
        assert path in text
        text = text.replace(path, f"{tmp_path}/{name}")
    (tmp_path / "mlsite.conf").write_text(text)
    (tmp_path / "nginx.conf").write_text(NGINX_MAIN.format(folder=tmp_path, user=""))
    process = subprocess.run([nginx, "-t", "-c", tmp_path / "nginx.conf"], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
