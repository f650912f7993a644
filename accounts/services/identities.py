"""Users who sign in with the provider of an organization: create and link accounts, and apply the groups of the provider."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext

from accounts.models import ExternalIdentity, User
from accounts.oidc import IdentityError, build_token_error
from accounts.services.audit import Action, describe_user, record_action
from accounts.services.tokens import revoke_token
from accounts.services.users import REVIEWERS_GROUP
from accounts.signals import user_linking
from core.validators import is_storable

MAX_SUBJECT_CHARACTERS = 255  # OpenID Connect Core 1.0, section 2
MAX_NAME_CHARACTERS = 140  # of a username, without the number that makes it unique
MAX_EMAIL_CHARACTERS = 254
MAX_NAMES = 1000
DEFAULT_NAME = "user"
Claims = Mapping[str, Any]


def sign_in_identity(*, claims: Claims) -> User:
    """Return the active user with an identity, and apply the groups of the provider. Create or link the account at first.

    An account is found by issuer and subject, never by its name. With `OIDC_LINK_BY_EMAIL`, the first sign-in is linked to
    the account with the same verified address.

    Args:
        claims: verified claims, with `iss` and `sub`.

    Raises:
        IdentityError: the user is not active or not allowed.
    """
    issuer, subject = claims["iss"], claims["sub"]
    if not (isinstance(subject, str) and 0 < len(subject) <= MAX_SUBJECT_CHARACTERS and is_storable(subject)):
        raise build_token_error()
    _check_domain(claims)
    user = _find_user(issuer, subject)
    if user is None:
        try:
            with transaction.atomic():
                user = _add_identity(issuer, subject, claims)
        except IntegrityError:  # another request has just created the account
            user = _find_user(issuer, subject)
            if user is None:
                raise
    if not user.is_active:
        text = gettext("The account %(name)s is not active. Contact the operator of this site.")
        raise IdentityError("inactive", text % {"name": user.username})
    with transaction.atomic():
        apply_groups(user=user, groups=_read_groups(claims))
    return user


def apply_groups(*, user: User, groups: set[str]) -> None:
    """Give a user the rights of their groups at the provider, and remove those of groups that they have left.

    Only rights with a setting change: `OIDC_REVIEWER_GROUPS`, `OIDC_STAFF_GROUPS`, `OIDC_ADMIN_GROUPS`. Others stay as
    superusers have set them.
    """
    reviewer, staff, admin = (
        None if not names else bool(groups.intersection(names))
        for names in (settings.OIDC_REVIEWER_GROUPS, settings.OIDC_STAFF_GROUPS, settings.OIDC_ADMIN_GROUPS)
    )
    was_reviewer = user.groups.filter(name=REVIEWERS_GROUP).exists()
    if reviewer is not None and reviewer != was_reviewer:
        change = user.groups.add if reviewer else user.groups.remove
        change(Group.objects.get(name=REVIEWERS_GROUP))
    old = (user.is_staff, user.is_superuser)
    has_lost_role = (reviewer is False and was_reviewer) or (admin is False and user.is_superuser)
    if admin is not None:
        user.is_superuser = admin
    if reviewer or staff or admin:
        user.is_staff = True
    elif staff is not None or has_lost_role:
        user.is_staff = user.is_superuser or (staff is None and user.groups.exists())
    if old != (user.is_staff, user.is_superuser):
        user.save(update_fields=["is_staff", "is_superuser"])


def _find_user(issuer: str, subject: str) -> User | None:
    identity = ExternalIdentity.objects.select_related("user").filter(issuer=issuer, subject=subject).first()
    return identity.user if identity else None


def _add_identity(issuer: str, subject: str, claims: Claims) -> User:
    user = _find_linkable_user(issuer, claims) or _create_user(claims)
    ExternalIdentity.objects.create(user=user, issuer=issuer, subject=subject)
    record_action(action=Action.IDENTITY_LINKED, actor=user, on=describe_user(user), details={"issuer": issuer})
    return user


def _find_linkable_user(issuer: str, claims: Claims) -> User | None:
    """Return the account with the verified address of the claims. Its password, tokens, and webhooks stop working.

    The address of the account is not verified: whoever typed it in could keep access to the account.
    """
    email = _get_verified_email(claims)
    if not (settings.OIDC_LINK_BY_EMAIL and email):
        return None
    users = list(User.objects.filter(email__iexact=email, is_superuser=False).exclude(identities__issuer=issuer)[:2])
    if len(users) != 1:
        return None
    user = users[0]
    user.set_unusable_password()
    user.save(update_fields=["password"])
    for token in user.tokens.filter(revoked_at=None):
        revoke_token(token=token)
    user_linking.send(sender=User, user=user)
    return user


def _create_user(claims: Claims) -> User:
    user = User(
        username=_find_free_name(claims),
        email=_get_verified_email(claims),
        first_name=_get_text(claims, "given_name", 150),
        last_name=_get_text(claims, "family_name", 150),
    )
    user.set_unusable_password()
    user.save(force_insert=True)
    return user


def _find_free_name(claims: Claims) -> str:
    email = _get_text(claims, "email", MAX_EMAIL_CHARACTERS)
    wanted = _get_text(claims, "preferred_username", MAX_EMAIL_CHARACTERS) or email.partition("@")[0]
    name = re.sub(r"[^\w.@+-]", "", wanted)[:MAX_NAME_CHARACTERS] or DEFAULT_NAME
    names = [name, *(f"{name}-{number}" for number in range(2, MAX_NAMES))]
    taken = set(User.objects.filter(username__startswith=name).values_list("username", flat=True))
    return next((candidate for candidate in names if candidate not in taken), names[-1])


def _check_domain(claims: Claims) -> None:
    if not settings.OIDC_ALLOWED_DOMAINS:
        return
    if _get_verified_email(claims).rpartition("@")[2].lower() not in settings.OIDC_ALLOWED_DOMAINS:
        text = gettext("Your email address is not verified or not allowed on this site. Contact the operator of this site.")
        raise IdentityError("not-allowed", text)


def _get_verified_email(claims: Claims) -> str:
    email = _get_text(claims, "email", MAX_EMAIL_CHARACTERS) if claims.get("email_verified") is True else ""
    try:
        validate_email(email)
    except ValidationError:
        return ""
    return email


def _get_text(claims: Claims, name: str, max_characters: int) -> str:
    value = claims.get(name)
    return value[:max_characters] if isinstance(value, str) and is_storable(value) else ""


def _read_groups(claims: Claims) -> set[str]:
    value = claims.get(settings.OIDC_GROUPS_CLAIM)
    values = [value] if isinstance(value, str) else value
    return {group for group in values if isinstance(group, str)} if isinstance(values, list) else set()
