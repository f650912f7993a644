#!/usr/bin/env python
"""Run mlsite's commands: migrate, register_model, create_token, predict and Django's own."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlsite.settings")
    os.environ.setdefault("LOG_LEVEL", "WARNING")  # a command's own output is its report
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
