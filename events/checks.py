"""System checks of the settings of events."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Warning, register

from events.targets import BUILT_IN_SINKS, load_sink_classes

MINIMUM_VALUES = {"EVENT_MAX_ATTEMPTS": 1, "EVENT_RETENTION_DAYS": 1, "EVENT_RELAY_SECONDS": 0}


@register()
def check_sinks(**options: Any) -> list[Error]:
    """Check that each sink exists, has a unique name, and has valid settings."""
    errors: list[Error] = []
    names: set[str] = set()
    for path in settings.EVENT_SINKS:
        try:
            ((name, sink),) = load_sink_classes((path,)).items()
        except ImportError as error:
            hint = f"Use {', '.join(BUILT_IN_SINKS)}, or the dotted path of a subclass of events.sinks.base.Sink."
            errors.append(Error(f"EVENT_SINKS names an unknown sink: {path} ({error})", hint=hint, id="events.E001"))
            continue
        if name in names:
            errors.append(Error(f"EVENT_SINKS names two sinks that are called {name}.", id="events.E002"))
        names.add(name)
        errors += [Error(problem, id="events.E003") for problem in sink.check_settings()]
    return errors


@register()
def check_numbers(**options: Any) -> list[Error]:
    """Check the limits of deliveries, and the source of events."""
    errors = [
        Error(f"{name} must be at least {minimum}. Received: {getattr(settings, name)}", id="events.E004")
        for name, minimum in MINIMUM_VALUES.items()
        if getattr(settings, name) < minimum
    ]
    if not settings.EVENT_SOURCE or any(character.isspace() for character in settings.EVENT_SOURCE):
        hint = "Set it to a URI that identifies this site, for example https://mlsite.example.org."
        errors.append(Error(f"EVENT_SOURCE is not a URI: {settings.EVENT_SOURCE!r}", hint=hint, id="events.E005"))
    return errors


@register(deploy=True)
def check_webhook_addresses(**options: Any) -> list[Warning]:
    """Warn if everyone can send requests to services of the internal network."""
    if not (settings.WEBHOOK_ALLOW_PRIVATE_ADDRESSES and settings.ALLOW_SIGNUP):
        return []
    hint = "Set WEBHOOK_ALLOW_PRIVATE_ADDRESSES=false, or ALLOW_SIGNUP=false."
    return [Warning("Everyone can sign up and send webhooks to private addresses.", hint=hint, id="events.W001")]
