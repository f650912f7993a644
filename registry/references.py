"""Model references: `digits`, `digits@staging`, `digits:2`. Parse a reference once and pass the object on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext

from accounts.models import User
from inference.messages import find_closest
from registry.errors import InactiveModel, UnknownModel
from registry.models import Alias, ModelVersion, RegisteredModel
from registry.querysets import PRODUCTION

REFERENCE_PATTERN = re.compile(
    r"(?P<name>[a-z][a-z0-9-]*)(?:@(?P<alias>[a-z][a-z0-9-]*)|:(?P<number>[1-9][0-9]{0,8}))?", re.ASCII
)
MAX_REFERENCE_CHARACTERS = 120  # a longer reference is invalid; messages show this much of it


@dataclass(frozen=True, slots=True)
class ModelReference:
    """A parsed reference.

    Args:
        name: the name of the registered model.
        alias: the alias in the reference; empty for `digits` and `digits:2`.
        number: the version number; None for an alias.
    """

    name: str
    alias: str = ""
    number: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse `name`, `name@alias`, or `name:number`.

        Raises:
            UnknownModel: the text is not a valid reference.
        """
        match = REFERENCE_PATTERN.fullmatch(text)
        if match is None:
            raise UnknownModel(
                f"Expected a model as name, name@alias, or name:version. Received: {text[:MAX_REFERENCE_CHARACTERS]!r}"
            )
        return cls(match["name"], match["alias"] or "", int(match["number"]) if match["number"] else None)

    @property
    def resolved_alias(self) -> str:
        """Return the alias that determines the version: `production` for a bare name, empty for a version number."""
        return "" if self.number else self.alias or PRODUCTION

    def __str__(self) -> str:
        suffix = f":{self.number}" if self.number else f"@{self.alias}" if self.alias else ""
        return f"{self.name}{suffix}"


@dataclass(frozen=True, slots=True)
class ResolvedModel:
    """A model version and the reference that led to it."""

    version: ModelVersion
    reference: ModelReference


def resolve_model(reference: str = "", *, user: User | None = None) -> ResolvedModel:
    """Return the model version that a reference points to, in one query.

    Args:
        reference: `name` (its production alias), `name@alias`, or `name:number`; empty for the default model.
        user: the caller; None for the operator, who can use every version.

    Raises:
        UnknownModel: there is no such model, alias, or version.
        InactiveModel: the model has no alias yet, and the user may not view such models.
    """
    reference = reference or settings.DEFAULT_MODEL
    if not reference:
        version = _get_first_in_production()
        return ResolvedModel(version, ModelReference(version.model.name))
    parsed = ModelReference.parse(reference)
    versions = _get_versions().filter(model__name=parsed.name)
    if parsed.number:
        version = versions.filter(number=parsed.number).first()
    else:
        version = versions.filter(aliases__name=parsed.resolved_alias).first()
    if version is None:
        raise _build_unknown_model_error(parsed, user)
    if user and not version.is_active and not user.can_view_models:
        raise InactiveModel(gettext("The model %(name)s is not in use: it has no alias yet.") % {"name": version.model.name})
    return ResolvedModel(version, parsed)


def resolve_version(reference: str = "", *, user: User | None = None) -> ModelVersion:
    """Return the version of `resolve_model`, for callers that do not need the reference."""
    return resolve_model(reference, user=user).version


def select_main_version(versions: Sequence[ModelVersion]) -> ModelVersion | None:
    """Return the version in production, or else the first one; None if there are none.

    Args:
        versions: of one model, the newest first, with their `aliases` prefetched.
    """
    in_production = (version for version in versions if version.is_in_production)
    return next(in_production, versions[0] if versions else None)


def get_production_aliases() -> QuerySet[Alias]:
    """Return the production aliases with their versions, the oldest model first."""
    return Alias.objects.filter(name=PRODUCTION).select_related("version__model").order_by("model_id")


def _build_unknown_model_error(reference: ModelReference, user: User | None) -> UnknownModel:
    """Return an error that names the missing part. It mentions only models that the user can see."""
    visible = RegisteredModel.objects.visible_to(user) if user else RegisteredModel.objects.all()
    names = list(visible.values_list("name", flat=True))
    if reference.name not in names:
        similar = find_closest(reference.name, names)
        hint = (
            gettext("Did you mean %(similar)s?") % {"similar": similar}
            if similar
            else gettext("Use name, name@alias, or name:version.")
        )
        return UnknownModel(gettext("No model named %(name)r is in use. %(hint)s") % {"name": reference.name, "hint": hint})
    if reference.number:
        return UnknownModel(
            gettext("The model %(name)s has no version %(number)s.") % {"name": reference.name, "number": reference.number}
        )
    return UnknownModel(
        gettext("The model %(name)s has no alias %(resolved_alias)s. Use a version number instead: %(name)s:1.")
        % {"name": reference.name, "resolved_alias": reference.resolved_alias}
    )


def _get_versions() -> Any:
    has_alias = Exists(Alias.objects.filter(model=OuterRef("model")))
    return ModelVersion.objects.select_related("model").annotate(is_active=has_alias)


def _get_first_in_production() -> ModelVersion:
    alias = get_production_aliases().first()
    if alias is None:
        raise UnknownModel(gettext("No model is in production yet. Register one: manage.py register_model PATH --promote"))
    return alias.version
