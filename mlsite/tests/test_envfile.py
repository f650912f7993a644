"""The .env file that `make env` creates, and the documentation of the settings."""

import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlsite.envfile import main

ROOT = Path(__file__).parents[2]


def test_env_file_has_generated_secrets_and_is_not_overwritten(tmp_path):
    target = tmp_path / ".env"
    main(ROOT / ".env.example", target)
    text = target.read_text()
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    assert len(values["SECRET_KEY"]) >= 50
    assert len(values["DEMO_PASSWORD"]) >= 12
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    main(ROOT / ".env.example", target)
    assert target.read_text() == text


@pytest.mark.parametrize("environment", [{}, {"SECRET_KEY": ""}, {"DEBUG": "false"}])
def test_commands_fail_without_a_secret_key(environment):
    process = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"ENV_FILE": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode != 0
    assert "Set SECRET_KEY" in process.stderr


def test_every_setting_is_documented():
    source = "".join(path.read_text() for path in (ROOT / "mlsite").glob("*settings.py"))
    settings = set(re.findall(r"(?:env\.\w+|_read_names)\(\s*\"(\w+)\"", source))
    example = set(re.findall(r"^#? ?([A-Z][A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert len(settings) > 20
    assert settings == example
    reference = (ROOT / "docs" / "operate.md").read_text()
    assert [name for name in sorted(settings) if f"`{name}`" not in reference] == []
