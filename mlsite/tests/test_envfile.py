import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mlsite.envfile import main

ROOT = Path(__file__).parents[2]


def test_writes_fresh_secrets_readable_by_the_owner_only_and_once(tmp_path):
    target = tmp_path / ".env"
    main(ROOT / ".env.example", target)
    first = target.read_text()
    values = dict(line.split("=", 1) for line in first.splitlines() if "=" in line and not line.startswith("#"))
    assert len(values["SECRET_KEY"]) >= 50
    assert len(values["DEMO_PASSWORD"]) >= 12
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    main(ROOT / ".env.example", target)
    assert target.read_text() == first


@pytest.mark.parametrize("environment", [{}, {"SECRET_KEY": ""}, {"DEBUG": "false"}])
def test_without_a_secret_key_nothing_starts(environment):
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={"ENV_FILE": "", **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "Set SECRET_KEY" in done.stderr


def test_every_setting_that_is_read_is_documented():
    import re

    read = set(re.findall(r"env\.\w+\(\s*\"(\w+)\"", (ROOT / "mlsite" / "settings.py").read_text()))
    example = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert len(read) > 20
    assert read - example == set()
    assert example - read == set()
    reference = (ROOT / "docs" / "operate.md").read_text()
    assert [name for name in sorted(read) if f"`{name}`" not in reference] == []
