"""Run management commands in tests."""

from __future__ import annotations

from io import StringIO

from django.core.management import CommandError, call_command


def run_command(*arguments):
    """Run a command. Return its standard output, its standard error and the message of a CommandError, if any."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*map(str, arguments), stdout=out, stderr=err)
    except CommandError as error:
        return out.getvalue(), err.getvalue(), str(error)
    return out.getvalue(), err.getvalue(), None
