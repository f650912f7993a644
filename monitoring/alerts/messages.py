"""The texts of notifications: plain text with a link to the alerts page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec

from django.conf import settings
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext, ngettext

from core.formatting import format_count, format_datetime, format_duration, format_percent
from core.urls import find_public_url
from monitoring.models import Alert, AlertNotification

MAX_LISTED_ALERTS = 20
MAX_SUBJECT_CHARACTERS = 200

Kind = AlertNotification.Kind
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Message:
    """A subject of one line, and a text of several lines."""

    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class DigestCounts:
    """Numbers of predictions in the last 24 hours that are rolled up."""

    predictions: int
    failed: int


def in_site_language(function: Callable[P, Message]) -> Callable[P, Message]:
    """Build a message in the language of the site, not in that of the user who causes it."""

    @wraps(function)
    def build(*args: P.args, **kwargs: P.kwargs) -> Message:
        with translation.override(settings.LANGUAGE_CODE):
            return function(*args, **kwargs)

    return build


@in_site_language
def build_alert_message(kind: Kind, alerts: Sequence[Alert]) -> Message:
    """Return the message about alerts of one rule that opened, are still open, or were resolved.

    Args:
        alerts: at least one, with their states, rules, and models.
    """
    describe, metric = (describe_resolved if kind == Kind.RESOLVED else describe_open), alerts[0].metric
    advice = "" if kind == Kind.RESOLVED else f"{metric.description} {metric.advice}"
    return _finish_message(_build_subject(kind, alerts), [_list_alerts(alerts, describe), advice])


@in_site_language
def build_digest(open_alerts: Sequence[Alert], resolved: Sequence[Alert], counts: DigestCounts) -> Message:
    """Return the daily digest: open alerts, alerts that were resolved since the previous one, and numbers of predictions."""
    total = len(open_alerts)
    text = ngettext("[mlsite] Daily digest: %(count)d open alert", "[mlsite] Daily digest: %(count)d open alerts", total)
    sections = [gettext("Open alerts:"), _list_alerts(open_alerts, describe_open)] if total else []
    sections += [gettext("Recently resolved:"), _list_alerts(resolved, describe_resolved)] if resolved else []
    share = format_percent(counts.failed / counts.predictions) if counts.predictions else ""
    values = {"total": format_count(counts.predictions), "failed": format_count(counts.failed), "share": share}
    numbers = gettext("Predictions in the last 24 hours: %(total)s, of which %(failed)s failed (%(share)s).")
    sections.append(numbers % values if counts.predictions else gettext("Predictions in the last 24 hours: 0."))
    return _finish_message(text % {"count": total}, sections)


@in_site_language
def build_test_message(username: str) -> Message:
    text = gettext("%(user)s sent this notification to test the settings. No action is needed.")
    return _finish_message(gettext("[mlsite] Test notification"), [text % {"user": username}])


def describe_open(alert: Alert) -> str:
    """Return an open alert in one line."""
    metric = alert.metric
    text = gettext("%(title)s: %(value)s. The alert opens at %(threshold)s. Open since %(time)s.")
    return text % {
        "title": alert.title,
        "value": metric.unit.format(alert.value),
        "threshold": metric.unit.format(alert.threshold),
        "time": format_datetime(alert.opened_at),
    }


def describe_resolved(alert: Alert) -> str:
    """Return a resolved alert in one line."""
    text = gettext("%(title)s: %(resolution)s after %(duration)s. Last value: %(value)s. Worst value: %(worst)s.")
    return text % {
        "title": alert.title,
        "resolution": alert.get_resolution_display(),
        "duration": format_duration(((alert.resolved_at or alert.opened_at) - alert.opened_at).total_seconds()),
        "value": alert.metric.unit.format(alert.value),
        "worst": alert.metric.unit.format(alert.worst_value),
    }


def _build_subject(kind: Kind, alerts: Sequence[Alert]) -> str:
    first, title = alerts[0], str(alerts[0].metric.title)
    if len(alerts) > 1:
        texts = {
            Kind.OPENED: gettext("[mlsite] %(count)s alerts opened: %(title)s"),
            Kind.REMINDER: gettext("[mlsite] %(count)s alerts are still open: %(title)s"),
            Kind.RESOLVED: gettext("[mlsite] %(count)s alerts resolved: %(title)s"),
        }
        return texts[kind] % {"count": len(alerts), "title": title}
    texts = {
        Kind.OPENED: gettext("[mlsite] Alert: %(title)s is %(value)s"),
        Kind.REMINDER: gettext("[mlsite] Still open: %(title)s is %(value)s"),
        Kind.RESOLVED: gettext("[mlsite] Resolved: %(title)s is %(value)s"),
    }
    return texts[kind] % {"title": first.title, "value": first.metric.unit.format(first.value)}


def _list_alerts(alerts: Sequence[Alert], describe: Callable[[Alert], str]) -> str:
    """Return one line per alert."""
    lines = [f"- {describe(alert)}" for alert in alerts[:MAX_LISTED_ALERTS]]
    if (hidden := len(alerts) - MAX_LISTED_ALERTS) > 0:
        lines.append(ngettext("- %(count)d more", "- %(count)d more", hidden) % {"count": hidden})
    return "\n".join(lines)


def _finish_message(subject: str, sections: Sequence[str]) -> Message:
    """Join the sections, and add the link."""
    site_url = find_public_url()
    path = reverse("monitoring:alerts")
    link = gettext("Alerts: %(url)s") % {"url": f"{site_url or ''}{path}"}
    text = "\n\n".join([*(section for section in sections if section), link])
    return Message(subject[:MAX_SUBJECT_CHARACTERS], f"{text}\n")
