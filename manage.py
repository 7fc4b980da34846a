#!/usr/bin/env python
"""Commands of the project. Works with any Python: it steps into .venv when that one is missing."""

import importlib.util
import os
import sys
from pathlib import Path

VENV_PYTHON = Path(__file__).resolve().parent / ".venv" / "bin" / "python"


def main() -> None:
    if importlib.util.find_spec("django") is None:
        if not VENV_PYTHON.exists():
            sys.exit("The environment is not set up yet: run `make setup` first.")
        os.execv(VENV_PYTHON, [str(VENV_PYTHON), *sys.argv])  # noqa: S606
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415
    from django.db.utils import OperationalError  # noqa: PLC0415

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        sys.exit(str(wrong))
    except OperationalError as refused:
        if "connection" not in str(refused):
            raise
        sys.exit("PostgreSQL does not answer. Start the servers with `make run`, then try again.")


if __name__ == "__main__":
    main()
