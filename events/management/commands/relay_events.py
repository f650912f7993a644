"""Send events to the configured sinks."""

from __future__ import annotations

import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from events.services.relay import Relay


class Command(BaseCommand):
    help = "Send events to the sinks in EVENT_SINKS and to webhooks. Several relays can run at the same time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="send what is due, and exit")

    def handle(self, *args: Any, **options: Any) -> None:
        with Relay() as relay:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: relay.stop())
            if options["once"]:
                count = relay.run(seconds=float("inf"))
                self.stdout.write(f"Tried {count:,} deliver{'y' if count == 1 else 'ies'}.")
            else:
                relay.run_forever()
