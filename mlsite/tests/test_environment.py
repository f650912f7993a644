"""Settings in environment variables: empty and invalid values."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from mlsite.environment import BASE_DIR, Environment, read_env_file

pytestmark = pytest.mark.once

env = Environment()
SECONDS = {"default": 10.0, "minimum": 0.1}
INTEGER = {"default": 8, "minimum": 1, "maximum": 99}
INVALID: dict[str, tuple[dict[str, Any], list[str]]] = {
    "get_flag": ({"default": False}, ["ture", "2", "-1", "none"]),
    "get_integer": (INTEGER, ["0", "-1", "100", "9" * 40, "10MB", "1.5", "1e3", "1_0", "٣", "x"]),
    "get_seconds": (SECONDS, ["0", "-1", "10s", "10ms", "1,5", "nan", "inf", "1e99", "x"]),
    "get_sender": ({"default": "a@b"}, ["x", "not an address", "a b@c.example", "a@b, c@d", "<a@b", "a@b\nc"]),
    "get_rate": ({}, ["x", "10", "0/minute", "-1/minute", "1.5/second", "10 /minute", "10/parsec"]),
    "get_database": ({"default": {}}, ["x", "mysql://user:secret@host/name", "postgres://user:secret@host:port/name"]),
    "get_email": ({"default": "filemail://"}, ["x", "ftp://user:secret@host", "smtp+tls://user:secret@host:port"]),
}


@pytest.mark.parametrize(("method", "value"), [(name, value) for name, (_, values) in INVALID.items() for value in values])
def test_an_invalid_value_is_rejected_with_the_name_of_the_variable(monkeypatch, method, value):
    monkeypatch.setenv("SOME_SETTING", value)
    with pytest.raises(ImproperlyConfigured, match=r"^SOME_SETTING\b.*[Ee]xpected") as raised:
        getattr(env, method)("SOME_SETTING", **INVALID[method][0])
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize("value", [None, "", " "])
def test_an_empty_value_is_the_same_as_none(monkeypatch, value):
    if value is None:
        monkeypatch.delenv("SOME_SETTING", raising=False)
    else:
        monkeypatch.setenv("SOME_SETTING", value)
    assert env.get_flag("SOME_SETTING", default=True) is True
    assert env.get_integer("SOME_SETTING", **INTEGER) == 8
    assert env.get_seconds("SOME_SETTING", **SECONDS) == 10.0
    assert env.get_text("SOME_SETTING", default="x") == "x"
    assert env.get_list("SOME_SETTING", default=["x"]) == ["x"]
    assert env.get_hosts("SOME_SETTING", default=["x"]) == ["x"]
    assert env.get_sender("SOME_SETTING", default="a@b") == "a@b"
    assert env.get_path("SOME_SETTING", default=Path("/x")) == Path("/x")
    assert env.get_choice("SOME_SETTING", ["a", "b"], default="b") == "b"
    assert env.get_rate("SOME_SETTING") is None
    assert env.get_database("SOME_SETTING", default={"ENGINE": "x"}) == {"ENGINE": "x"}
    assert env.get_email("SOME_SETTING", default="filemail://")["EMAIL_BACKEND"].endswith("filebased.EmailBackend")


def test_valid_values_are_read(monkeypatch):
    def read(value, method, *arguments, **options):
        monkeypatch.setenv("SOME_SETTING", value)
        return getattr(env, method)("SOME_SETTING", *arguments, **options)

    assert [read(value, "get_flag", default=False) for value in ("true", "Yes", "1", "on")] == [True] * 4
    assert [read(value, "get_flag", default=True) for value in ("FALSE", "no", "0", " off ")] == [False] * 4
    assert [read(value, "get_integer", **INTEGER) for value in ("1", " 99 ")] == [1, 99]
    assert [read(value, "get_seconds", **SECONDS) for value in ("0.1", "3600")] == [0.1, 3600.0]
    assert read(" a.example , b.example,", "get_list") == ["a.example", "b.example"]
    assert read("$secret ", "get_text") == "$secret "
    assert read("info", "get_choice", ["DEBUG", "INFO"], default="DEBUG") == "INFO"
    assert read("600/minute", "get_rate") == "600/minute"
    assert read("postgres://user:p%40ss@host:5432/name", "get_database", default={})["PASSWORD"] == "p@ss"
    assert read("var/media", "get_path", default=Path("/x")) == BASE_DIR / "var" / "media"
    assert read("/srv/media", "get_path", default=Path("/x")) == Path("/srv/media")


def test_a_file_of_settings_that_cannot_be_read_is_an_error(monkeypatch, tmp_path):
    for path, content in ((tmp_path / "missing.env", None), (tmp_path, None), (tmp_path / "latin.env", b"NAME=\xff\n")):
        if content:
            path.write_bytes(content)
        monkeypatch.setenv("ENV_FILE", str(path))
        with pytest.raises(ImproperlyConfigured, match=re.escape(str(path))):
            read_env_file()


def test_an_invalid_setting_stops_every_command(tmp_path):
    variables = {"ENV_FILE": "", "SECRET_KEY": "x", "VAR_DIR": str(tmp_path), "WEB_CONCURRENCY": "0"}
    process = subprocess.run(
        [sys.executable, "-c", "import mlsite.settings"],
        cwd=BASE_DIR,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode != 0
    assert "WEB_CONCURRENCY: expected a whole number without a unit, 1 or more. Received: '0'" in process.stderr


def test_hosts_are_names_addresses_and_patterns_of_django(monkeypatch):
    monkeypatch.setenv("SOME_SETTING", "*, .example.org,Example.org, 127.0.0.1,[::1],web_1")
    assert env.get_hosts("SOME_SETTING", default=[]) == ["*", ".example.org", "Example.org", "127.0.0.1", "[::1]", "web_1"]


@pytest.mark.parametrize("sender", ["mlsite@example.org", "mlsite <mlsite@example.org>", '"Models, internal" <m@localhost>'])
def test_senders_have_an_address(monkeypatch, sender):
    monkeypatch.setenv("SOME_SETTING", sender)
    assert env.get_sender("SOME_SETTING", default="") == sender
