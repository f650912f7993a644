"""The documented move from SQLite to PostgreSQL: the rows of a site can be written to a file and loaded again."""

import re
import shlex
from datetime import datetime

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command

from accounts.models import AuditEntry
from accounts.services import create_token
from mlsite.tests.docs import DOCS
from predictions.models import Prediction
from predictions.services import review_prediction
from predictions.tests.factories import PREDICTIONS_URL, make_prediction

# loaddata sets the rights of users again, which is recorded. migrate creates the content types and permissions.
UNEQUAL_MODELS = (AuditEntry, ContentType, Permission, Group.permissions.through)


def read_commands():
    """Return the arguments of each documented command."""
    section = (DOCS / "operate.md").read_text().partition("To move a site from SQLite")[2].partition("\n## ")[0]
    return [shlex.split(line) for line in re.findall(r"manage\.py (.*)", section.replace("\\\n", ""))]


def list_rows():
    models = [model for model in apps.get_models() if model not in UNEQUAL_MODELS]
    return {model._meta.label: sorted(map(describe_row, model._base_manager.values_list())) for model in models}


def describe_row(row):
    """Return a row as text, with the milliseconds of times. dumpdata leaves out the microseconds."""
    return repr([value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value for value in row])


@pytest.mark.django_db(transaction=True)
def test_all_rows_of_a_site_are_loaded_by_the_documented_commands(tmp_path, monkeypatch, client, user, shades):
    monkeypatch.chdir(tmp_path)
    user.groups.add(Group.objects.get_or_create(name="Reviewers")[0])
    _, token = create_token(user=user, name="import")
    prediction = make_prediction(user)
    review_prediction(prediction=prediction, reviewer=user, verdict="correct")
    rows = list_rows()
    for name, *arguments in read_commands():
        call_command(name, *arguments)
    assert list_rows() == rows
    response = client.get(PREDICTIONS_URL, headers={"Authorization": f"Bearer {token}"})
    assert [row["id"] for row in response.json()["results"]] == [str(prediction.pk)]
    make_prediction(user)
    assert Prediction.objects.count() == 2
