"""Names of permissions in the admin."""

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext

from core.permission_names import format_permission

pytestmark = pytest.mark.django_db


def test_permissions_are_in_the_language_of_the_page():
    view, export = (Permission.objects.get(codename=name) for name in ("view_prediction", "export_prediction"))
    assert format_permission(view) == "Predictions | Prediction | View"
    assert format_permission(export) == "Predictions | Prediction | Can export the predictions of all users"
    with translation.override("de"):
        assert format_permission(view) == f"Vorhersagen | Vorhersage | {gettext('View')}"
    view.content_type.model = "removed"
    assert format_permission(view) == "predictions | removed | Can view prediction"


def test_the_form_of_a_group_has_translated_permissions(superuser, client):
    client.force_login(superuser)
    html = client.get(reverse("admin:auth_group_add"), headers={"accept-language": "de"}).content.decode()
    assert "Vorhersagen | Vorhersage | A" in html
    assert "Can view" not in html
