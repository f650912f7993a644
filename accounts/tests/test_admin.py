import re

import pytest
from django.urls import reverse

from accounts.models import ApiToken
from accounts.services import authenticate_token, create_token

pytestmark = pytest.mark.django_db


def test_the_admin_creates_a_token_and_shows_its_secret(client, superuser, user):
    client.force_login(superuser)
    page = client.post(reverse("admin:accounts_apitoken_add"), {"user": user.pk, "name": "import"}, follow=True)
    secret = re.search(r"mls_[\w-]{43}", page.content.decode())[0]
    assert authenticate_token(secret=secret).user == user


def test_the_admin_action_revokes_the_selected_tokens(client, superuser, user):
    secrets = [create_token(user=user, name=str(n))[1] for n in range(3)]
    client.force_login(superuser)
    selected = [str(pk) for pk in ApiToken.objects.values_list("pk", flat=True)]
    client.post(reverse("admin:accounts_apitoken_changelist"), {"action": "revoke_selected", "_selected_action": selected})
    assert [authenticate_token(secret=secret) for secret in secrets] == [None] * 3


def test_a_stored_token_cannot_be_changed_or_deleted(client, superuser, user):
    token, _ = create_token(user=user, name="import")
    client.force_login(superuser)
    client.post(reverse("admin:accounts_apitoken_change", args=[token.pk]), {"name": "other", "user": superuser.pk})
    token.refresh_from_db()
    assert (token.name, token.user) == ("import", user)
    assert client.post(reverse("admin:accounts_apitoken_delete", args=[token.pk]), {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("name", ["user", "apitoken"])
def test_lists_do_not_count_whole_tables(client, superuser, user, name, django_assert_max_num_queries):
    create_token(user=user, name="import")
    client.force_login(superuser)
    with django_assert_max_num_queries(8) as captured:
        assert client.get(reverse(f"admin:accounts_{name}_changelist")).status_code == 200
    counts = [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]
    assert all("LIMIT" in sql for sql in counts), counts
