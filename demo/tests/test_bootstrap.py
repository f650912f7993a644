"""Bootstrap registers the examples once, and prints where and how to sign in."""

import pytest

from accounts.models import User
from core.tests.commands import run_command
from registry.models import ModelVersion

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("tensorflow")]


def test_bootstrap_prints_the_address_the_account_and_the_password(settings):
    settings.DEMO_PASSWORD = "correct horse"
    out, _, error = run_command("bootstrap")
    assert error is None
    assert "Registered digits:1\nRegistered iris:1\nRegistered diabetes:1\n" in out
    summary = "The site is set up.\n\n  Address:   {}\n  Account:   demo (superuser)\n  Password:  {}\n"
    assert out.endswith(summary.format("http://127.0.0.1:8000/", "correct horse"))
    assert User.objects.get().is_superuser

    user = User.objects.get()
    user.set_password("another horse")
    user.save()
    out = run_command("bootstrap")[0]
    assert "Registered" not in out
    assert "correct horse" not in out
    assert out.endswith("  Password:  not DEMO_PASSWORD. Set a new one: manage.py changepassword demo\n")
    assert ModelVersion.objects.count() == 3


def test_bootstrap_creates_no_account_without_a_demo_password(settings):
    settings.DEMO_PASSWORD = ""
    assert "none (DEMO_PASSWORD is empty). Create one: manage.py createsuperuser" in run_command("bootstrap")[0]
    assert not User.objects.exists()
