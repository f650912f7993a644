"""Verify that rows and files agree, and that nothing acknowledged is lost."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from core.management.arguments import build_integer_parser, parse_age
from core.storage_errors import StorageUnavailable
from predictions.services.verification import ADVICE, DEFAULT_AGE_SECONDS, Report, verify_store

MAX_ORPHANS = 1_000_000_000


class Command(BaseCommand):
    help = (
        "Check that each prediction has its input, that each file has the stored size and SHA-256, and that no file is left "
        "without a row. Nothing is written. Exit with status 1 if something is wrong."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--journal", type=Path, metavar="FILE", help="compare with the journal of the load client")
        parser.add_argument("--json", action="store_true", help="print a JSON object")
        parser.add_argument(
            "--older-than",
            type=parse_age,
            metavar="SECONDS",
            help=f"report only files without a row older than this; default: {DEFAULT_AGE_SECONDS:g}, or 0 with --journal",
        )
        parser.add_argument(
            "--allow-orphans",
            type=build_integer_parser(0, MAX_ORPHANS),
            default=0,
            metavar="N",
            help="accept up to N files without a row; default: 0",
        )
        parser.add_argument("--skip-hashes", action="store_true", help="compare only the sizes of files; do not read them")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            report = verify_store(
                journal=options["journal"],
                older_than=options["older_than"],
                allowed_orphans=options["allow_orphans"],
                reads_files=not options["skip_hashes"],
            )
        except StorageUnavailable as error:
            raise CommandError(f"The stored files cannot be listed. {error}") from error
        except (OSError, ValueError) as error:
            raise CommandError(f"The journal cannot be read. {error}") from error
        except DatabaseError as error:
            raise CommandError(f"The database cannot be read. Restore it from a backup if it is damaged. {error}") from error
        if options["json"]:
            self.stdout.write(json.dumps(report.to_dict()))
        else:
            self._write_report(report)
        if report.breach_counts:
            raise CommandError(f"{report.breach_counts.total():,} breaches found.")

    def _write_report(self, report: Report) -> None:
        for name, count in report.checked.items():
            self.stdout.write(f"{name.replace('_', ' ')}: {count:,}")
        for invariant, count in sorted(report.breach_counts.items()):
            self.stdout.write(f"\n{invariant}: {count:,} breach{'' if count == 1 else 'es'}. {ADVICE[invariant]}")
            for breach in report.breaches:
                if breach.invariant == invariant:
                    names = ", ".join(filter(None, (breach.reference, breach.id)))
                    self.stdout.write(f"  {names}: {breach.message}")
        if not report.breach_counts:
            self.stdout.write("No breach found.")
