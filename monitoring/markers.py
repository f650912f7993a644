"""Promotions and deployments, which the charts of the operations page mark."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from monitoring.models import Deployment
from monitoring.windows import Window
from registry.models import AliasChange, RegisteredModel
from registry.querysets import PRODUCTION

MAX_MARKERS = 20  # the newest ones of a window
COMMIT_CHARACTERS = 8


@dataclass(frozen=True, slots=True)
class Marker:
    """An event with its time, a sentence, and the model that it is about.

    Args:
        kind: `promotion` or `deployment`.
        label: the version that was promoted or deployed, such as `digits:2`, to be shown in charts.
    """

    time: datetime
    kind: str
    label: str
    sentence: str
    model: RegisteredModel | None = None


def list_markers(window: Window, *, model: RegisteredModel | None) -> list[Marker]:
    """Return the newest promotions and deployments of a window, the oldest first, in two queries.

    Args:
        model: only the promotions of this model. None: of all models.
    """
    # A small table, with one row per promotion. Its newest rows are read through the primary key.
    changes = AliasChange.objects.filter(changed_at__gte=window.start, changed_at__lt=window.end)
    if model is not None:
        changes = changes.filter(model=model)
    changes = changes.select_related("model", "from_version", "to_version", "changed_by").order_by("-id")
    deployments = Deployment.objects.filter(started_at__gte=window.start, started_at__lt=window.end).order_by("-started_at")
    markers = [
        *(
            Marker(row.changed_at, "promotion", _label_promotion(row), _describe_promotion(row), row.model)
            for row in changes[:MAX_MARKERS]
        ),
        *(
            Marker(row.started_at, "deployment", f"mlsite {row.version}", _describe_deployment(row))
            for row in deployments[:MAX_MARKERS]
        ),
    ]
    return sorted(markers, key=lambda marker: marker.time)[-MAX_MARKERS:]


def _label_promotion(change: AliasChange) -> str:
    label = f"{change.model.name}:{change.to_version.number}"
    return label if change.alias == PRODUCTION else f"{label} ({change.alias})"


def _describe_promotion(change: AliasChange) -> str:
    values: dict[str, Any] = {
        "alias": f"{change.model.name}@{change.alias}",
        "number": change.to_version.number,
        "previous": change.from_version and change.from_version.number,
        "user": change.changed_by and change.changed_by.get_username(),
    }
    if change.from_version and change.changed_by:
        return gettext("%(user)s pointed %(alias)s to version %(number)s, previously version %(previous)s.") % values
    if change.from_version:
        return gettext("%(alias)s was pointed to version %(number)s, previously version %(previous)s.") % values
    if change.changed_by:
        return gettext("%(user)s pointed %(alias)s to version %(number)s.") % values
    return gettext("%(alias)s was pointed to version %(number)s.") % values


def _describe_deployment(deployment: Deployment) -> str:
    values = {"version": deployment.version, "commit": deployment.commit[:COMMIT_CHARACTERS]}
    if deployment.commit:
        return gettext("mlsite %(version)s (commit %(commit)s) was started for the first time.") % values
    return gettext("mlsite %(version)s was started for the first time.") % values
