"""Bootstrap registers the examples once, and prints where and how to sign in."""

import pytest

from accounts.models import User
from core.tests.commands import run_command
from registry.models import ModelVersion

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("tensorflow"), pytest.mark.once]


def read_box(output):
    """Return the lines in the box at the end of the output."""
    _, _, box = output.partition("┌")
    assert box.endswith("┘\n")
    return [line.strip("│ ") for line in box.splitlines()[1:-1]]


def test_bootstrap_prints_the_address_the_account_and_the_password(settings):
    settings.DEMO_PASSWORD, settings.TOUR = "correct horse", True
    out, _, error = run_command("bootstrap")
    assert error is None
    assert "Registered digits:1\nRegistered iris:1\nRegistered diabetes:1\n" in out
    assert read_box(out) == [
        "The site is set up.",
        "",
        "Address:     http://127.0.0.1:8000/",
        "Account:     demo (superuser)",
        "Password:    correct horse",
        "Open first:  http://127.0.0.1:8000/tour/",
    ]
    assert User.objects.get().is_superuser

    user = User.objects.get()
    user.set_password("another horse")
    user.save()
    out = run_command("bootstrap")[0]
    assert "Registered" not in out
    assert "correct horse" not in out
    assert "Password:    not DEMO_PASSWORD. Set a new one: manage.py changepassword demo" in read_box(out)
    assert ModelVersion.objects.count() == 3


def test_bootstrap_creates_no_account_without_a_demo_password(settings):
    settings.DEMO_PASSWORD = ""
    assert "Account:     none (DEMO_PASSWORD is empty)" in read_box(run_command("bootstrap")[0])
    assert not User.objects.exists()
