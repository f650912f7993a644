"""Point an alias to a model version."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext

from accounts.models import User
from accounts.services.audit import Action, AuditObject, record_action
from events.services import build_event, record_events
from inference.errors import InvalidSignature
from inference.messages import format_names
from registry.errors import UnknownModel
from registry.model_tasks import get_task
from registry.models import Alias, AliasChange, ModelVersion, RegisteredModel
from registry.querysets import PRODUCTION
from registry.services.verify import verify_version


def promote_model(*, name: str, number: int, alias: str = PRODUCTION, user: User | None = None) -> AliasChange:
    """Verify a version, point an alias to it, and record the change. To roll back, promote the previous version.

    Raises:
        ValidationError: the alias is not a valid name, or too long.
        UnknownModel: there is no such model or version.
        InvalidSignature: the task of the model has changed since the version was registered.
        ArtifactMismatch, ModelError: the version does not load, or does not reproduce its examples. The alias is unchanged.
        Overloaded: there is no room to load the version.
    """
    Alias._meta.get_field("name").clean(alias, None)
    version = _find_version(name, number)
    verify_version(version=version)
    return move_alias(version=version, alias=alias, user=user)


def _find_version(name: str, number: int) -> ModelVersion:
    names = list(RegisteredModel.objects.values_list("name", flat=True))
    if name not in names:
        known = (
            gettext("The registered models are %(names)s.") % {"names": format_names(names)}
            if names
            else gettext("Register it first.")
        )
        raise UnknownModel(f"There is no model named {name!r}. {known}")
    version = ModelVersion.objects.select_related("model").filter(model__name=name, number=number).first()
    if version is None:
        raise UnknownModel(gettext("The model %(name)s has no version %(number)s.") % {"name": name, "number": number})
    task = get_task(version.parsed_signature)
    if task != version.model.task:
        raise InvalidSignature(
            gettext(
                "%(version)s is a model for %(task)s, but all newer versions of %(name)s are models for %(other_task)s. "
                "Register it under another name."
            )
            % {"version": version, "task": task, "name": name, "other_task": version.model.task}
        )
    return version


def move_alias(*, version: ModelVersion, alias: str = PRODUCTION, user: User | None = None) -> AliasChange:
    """Point an alias to a version that the caller has just verified. Create the alias if it does not exist."""
    with transaction.atomic():
        row, created = Alias.objects.select_for_update().get_or_create(
            model=version.model, name=alias, defaults={"version": version}
        )
        previous = None if created else row.version
        row.version = version
        row.save(update_fields=["version"])
        change = AliasChange.objects.create(
            model=version.model, alias=alias, from_version=previous, to_version=version, changed_by=user
        )
        record_events(events=[build_event(type="alias.changed", uuid=change.pk, subject=row)])
        details = {"from": previous.number if previous else None, "to": version.number}
        record_action(action=Action.ALIAS_MOVED, actor=user, on=AuditObject("alias", row.pk, str(row)), details=details)
    return change
