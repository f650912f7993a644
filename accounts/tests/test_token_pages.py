import re

import pytest
from django.urls import reverse

from accounts.models import ApiToken

pytestmark = pytest.mark.django_db


def test_a_token_is_shown_only_once(client, user):
    client.force_login(user)
    page = client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": "90"})
    secret = re.search(r"mls_[\w-]{43}", page.content.decode())[0]
    assert page["Cache-Control"] == "private, no-store"
    assert secret not in client.get(reverse("accounts:tokens")).content.decode()
    assert client.get("/api/v1/predictions/", headers={"authorization": f"Bearer {secret}"}).status_code == 200


def test_only_the_owner_can_revoke_a_token(client, user, other):
    client.force_login(user)
    client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": ""})
    token = ApiToken.objects.get()
    assert token.expires_at is None
    client.force_login(other)
    assert client.post(reverse("accounts:revoke_token", args=[token.pk])).status_code == 404
    client.force_login(user)
    assert client.post(reverse("accounts:revoke_token", args=[token.pk])).status_code == 302
    token.refresh_from_db()
    assert token.revoked_at


def test_a_token_requires_a_name(client, user):
    client.force_login(user)
    assert "required" in client.post(reverse("accounts:tokens"), {"name": " "}).content.decode()
    assert not ApiToken.objects.exists()


def test_the_state_of_a_token_is_translated(client, user):
    client.force_login(user)
    client.post(reverse("accounts:tokens"), {"name": "import", "lifetime": "90"})
    page = client.get(reverse("accounts:tokens"), headers={"accept-language": "de"})
    assert re.search(r"badge active.>\s*Aktiv\s*<", page.content.decode())
