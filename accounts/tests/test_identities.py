"""Accounts of users of an OpenID Connect provider: creation, links, groups, and the site without a provider."""

import pytest
from django.contrib.auth.models import Group
from django.core.checks import run_checks
from django.urls import NoReverseMatch, reverse

from accounts.models import ApiToken, AuditEntry, ExternalIdentity, User
from accounts.oidc import IdentityError
from accounts.services import add_reviewer, authenticate_token, create_token
from accounts.services.identities import apply_groups, sign_in_identity
from accounts.services.removal import anonymize_user, delete_user

pytestmark = [pytest.mark.django_db, pytest.mark.once]
ISSUER = "https://login.example.org"
CLAIMS = {"iss": ISSUER, "sub": "7", "preferred_username": "ada", "email": "ada@example.org", "email_verified": True}


@pytest.fixture(autouse=True)
def _provider(settings):
    settings.OIDC_ISSUER, settings.OIDC_CLIENT_ID = ISSUER, "mlsite"


def sign_in(**claims):
    return sign_in_identity(claims=CLAIMS | claims)


def test_an_account_is_found_by_issuer_and_subject_only():
    user = sign_in()
    assert sign_in(preferred_username="renamed", email="new@example.org") == user
    assert sign_in(sub="8") != user
    assert sign_in(iss="https://other.example.org") != user
    assert [*User.objects.order_by("pk").values_list("username", flat=True)] == ["ada", "ada-2", "ada-3"]


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"preferred_username": "Ada Lovelace (x)"}, "AdaLovelacex"),
        ({"preferred_username": ""}, "ada"),
        ({"preferred_username": "\0", "email": None}, "user"),
        ({"preferred_username": ["x"], "email": "(x)@example.org"}, "x"),
        ({"preferred_username": "x" * 300}, "x" * 140),
    ],
)
def test_the_username_is_valid(claims, name):
    user = sign_in(**claims)
    user.full_clean(exclude=["password"])
    assert user.username == name


def test_an_account_with_the_same_name_or_address_is_not_linked(make_user):
    local = make_user("ada", email="ada@example.org")
    user = sign_in()
    assert user != local
    assert (user.username, user.email) == ("ada-2", "ada@example.org")


def test_an_unverified_address_is_not_stored():
    assert sign_in(email_verified=False).email == ""
    assert sign_in(sub="8", email_verified="true").email == ""


def test_a_verified_address_links_an_account_if_this_is_allowed(make_user, settings):
    settings.OIDC_LINK_BY_EMAIL = True
    local = make_user("local", email="Ada@Example.org")
    secret = create_token(user=local, name="x")[1]
    assert sign_in(email_verified=False) != local
    assert sign_in(sub="8") == local
    local.refresh_from_db()
    assert not local.has_usable_password()  # whoever typed in the address has no access any more
    assert authenticate_token(secret=secret) is None
    assert sign_in(sub="9") != local
    entry = AuditEntry.objects.filter(action="identity-linked", actor=local).get()
    assert entry.details == {"issuer": ISSUER}


@pytest.mark.parametrize("fields", [[{"is_superuser": True}], [{}, {}]], ids=["superuser", "ambiguous"])
def test_superusers_and_ambiguous_addresses_are_not_linked(make_user, settings, fields):
    settings.OIDC_LINK_BY_EMAIL = True
    users = [make_user(email="ada@example.org", **values) for values in fields]
    assert sign_in() not in users


@pytest.mark.parametrize("claims", [{"email": "ada@other.example"}, {"email_verified": False}, {"email": None}])
def test_only_allowed_domains_can_sign_in(settings, claims):
    user = sign_in()
    settings.OIDC_ALLOWED_DOMAINS = ["example.org"]
    assert sign_in(email="ada@EXAMPLE.org") == user
    with pytest.raises(IdentityError, match="not verified or not allowed"):
        sign_in(**claims)


def test_an_inactive_user_is_refused_and_keeps_their_groups(settings):
    settings.OIDC_REVIEWER_GROUPS = ["a"]
    User.objects.filter(pk=sign_in(groups=["a"]).pk).update(is_active=False)
    with pytest.raises(IdentityError, match="not active"):
        sign_in(groups=[])
    assert User.objects.get().groups.count() == 1


@pytest.mark.parametrize("subject", ["", "x" * 256, "\0", 7])
def test_invalid_subjects_are_refused(subject):
    with pytest.raises(IdentityError, match="not valid"):
        sign_in(sub=subject)
    assert not User.objects.exists()


def get_rights(user):
    user = User.objects.get(pk=user.pk)
    return user.groups.filter(name="Reviewers").exists(), user.is_staff, user.is_superuser


# The groups with a setting, the groups of a user in turn, and whether they are then a reviewer, staff, and a superuser.
@pytest.mark.parametrize(
    ("configured", "steps"),
    [
        ({"REVIEWER": "r"}, [("r", (1, 1, 0)), ("x", (0, 0, 0)), ("R", (0, 0, 0))]),
        ({"REVIEWER": "r", "STAFF": "s"}, [("rs", (1, 1, 0)), ("s", (0, 1, 0)), ("r", (1, 1, 0)), ("", (0, 0, 0))]),
        ({"ADMIN": "a"}, [("a", (0, 1, 1)), ("", (0, 0, 0))]),
        ({"STAFF": "s", "ADMIN": "a"}, [("as", (0, 1, 1)), ("s", (0, 1, 0)), ("a", (0, 1, 1))]),
        ({}, [("ras", (0, 0, 0))]),
    ],
)
def test_groups_of_the_provider_give_and_remove_rights(user, settings, configured, steps):
    for name, group in configured.items():
        setattr(settings, f"OIDC_{name}_GROUPS", [group])
    for groups, rights in steps:
        apply_groups(user=user, groups=set(groups))
        assert get_rights(user) == tuple(map(bool, rights)), groups


def test_rights_without_a_setting_stay(superuser, reviewer, make_user, settings):
    apply_groups(user=superuser, groups=set())
    apply_groups(user=reviewer, groups=set())
    assert (get_rights(superuser), get_rights(reviewer)) == ((False, True, True), (True, True, False))
    settings.OIDC_REVIEWER_GROUPS = ["r"]
    operator = make_user(is_staff=True)
    add_reviewer(user=operator)
    operator.groups.add(Group.objects.get(name="Operators"))
    add_reviewer(user=superuser)
    for user in (superuser, operator):
        apply_groups(user=user, groups=set())
    assert (get_rights(superuser), get_rights(operator)) == ((False, True, True), (False, True, False))


@pytest.mark.parametrize("remove", [delete_user, anonymize_user])
def test_the_removal_of_a_user_removes_the_identity(remove):
    remove(user=sign_in())
    assert not ExternalIdentity.objects.exists()
    assert not ApiToken.objects.exists()


def test_without_a_provider_there_is_no_page(client, settings):
    settings.OIDC_ISSUER = ""
    with pytest.raises(NoReverseMatch):
        reverse("oidc:login")
    assert "oidc" not in client.get("/accounts/login/").content.decode()
    assert client.get("/accounts/oidc/login/").status_code == 404


def test_a_response_without_an_attempt_is_refused(client, settings):
    settings.ROOT_URLCONF = "accounts.tests.oidc_urls"
    client.cookies["oidc"] = "forged:1:x"
    for query in ("state=&code=x", "state=x&code=x", ""):
        response = client.get(f"/accounts/oidc/callback/?{query}")
        assert response.status_code == 400
        assert "Start it again." in response.content.decode()
    assert not AuditEntry.objects.filter(action="sign-in-failed").exists()


def test_passwords_can_be_disabled(client, user, settings):
    settings.ROOT_URLCONF = "accounts.tests.oidc_urls"
    settings.OIDC_ONLY, settings.ALLOW_SIGNUP = True, False
    page = client.get("/accounts/login/").content.decode()
    assert "Sign in with OpenID Connect" in page
    assert "password" not in page.lower()
    response = client.post("/accounts/login/", {"username": "ada", "password": "correct horse"})
    assert response.status_code == 403
    client.force_login(user)
    for path in ("password/", "email/", "reset/", "reset/x/x-y/"):
        assert client.get(f"/accounts/{path}").status_code == 404, path
    assert "Change" not in client.get("/accounts/").content.decode()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, []),
        ({"OIDC_ISSUER": "http://127.0.0.1:8080"}, []),
        ({"OIDC_ISSUER": "http://login.example.org"}, ["accounts.E004"]),
        ({"OIDC_ISSUER": "login"}, ["accounts.E004"]),
        ({"OIDC_CLIENT_ID": ""}, ["accounts.E005"]),
        ({"OIDC_SCOPES": "email"}, ["accounts.E006"]),
        ({"OIDC_ISSUER": "", "OIDC_ONLY": True}, ["accounts.E003"]),
        ({"AUDIT_LOG_DAYS": 7}, ["accounts.E002"]),
        ({"AUDIT_LOG_DAYS": 0}, []),
    ],
)
def test_wrong_settings_are_reported(settings, changes, expected):
    for name, value in changes.items():
        setattr(settings, name, value)
    assert [message.id for message in run_checks() if message.id.startswith("accounts.")] == expected
