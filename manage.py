#!/usr/bin/env python
"""Command-line entry point. `manage.py help` lists the commands."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")  # commands print their results; INFO messages would only repeat them
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
