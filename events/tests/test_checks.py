"""System checks of the settings."""

import pytest

from events.checks import check_numbers, check_sinks


def list_ids(check):
    return [error.id for error in check()]


def test_the_default_settings_are_valid():
    assert list_ids(check_sinks) == list_ids(check_numbers) == []


@pytest.mark.parametrize(
    ("sinks", "expected"),
    [
        (["jsonl"], []),
        (["jsonl", "events.tests.sinks.MemorySink"], []),
        (["nowhere"], ["events.E001"]),
        (["events.tests.sinks.NoSink"], ["events.E001"]),
        (["jsonl", "events.sinks.jsonl.JsonLinesSink"], ["events.E002"]),
    ],
)
def test_sinks_must_exist_and_have_different_names(settings, sinks, expected):
    settings.EVENT_SINKS = sinks
    assert list_ids(check_sinks) == expected


@pytest.mark.parametrize(("name", "value"), [("PATH", "/"), ("MAX_BYTES", 0), ("FILES", 0)])
def test_the_options_of_the_file_are_checked(settings, name, value):
    settings.EVENT_SINKS = ["jsonl"]
    setattr(settings, f"EVENT_JSONL_{name}", value)
    assert list_ids(check_sinks) == ["events.E003"]


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("EVENT_MAX_ATTEMPTS", 0, "events.E004"),
        ("EVENT_RETENTION_DAYS", 0, "events.E004"),
        ("EVENT_RELAY_SECONDS", -1, "events.E004"),
        ("EVENT_SOURCE", "", "events.E005"),
        ("EVENT_SOURCE", "my site", "events.E005"),
    ],
)
def test_other_settings_are_checked(settings, name, value, expected):
    setattr(settings, name, value)
    assert list_ids(check_numbers) == [expected]
