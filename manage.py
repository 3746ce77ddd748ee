#!/usr/bin/env python
"""Django's command line. A setting that is refused is one clear line, not a traceback."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskrunner.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.stderr.write(f"Configuration error: {refusal}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
