"""Migrations must run while the previous version still serves: `make lint` asks a linter.

Looked at are migrations that no installation has yet: `RELEASED` names those that the first
installation begins with, made while nothing was running. `--accept` rewrites it: at a release,
never to silence a finding.
"""

import logging
import os
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

import django
from django.conf import settings
from django.core.management import call_command

ROOT = Path(__file__).parents[1]
RELEASED = ROOT / "tests" / "data" / "released_migrations.txt"


def paths() -> list[str]:
    found = ROOT.glob("apps/*/migrations/[0-9]*.py")
    return sorted(str(path.relative_to(ROOT)) for path in found)


def main() -> None:
    if "--accept" in sys.argv:
        RELEASED.write_text("\n".join(paths()) + "\n")
        return
    fresh = sorted(set(paths()) - set(RELEASED.read_text().split()))
    if not fresh:
        print("No migration since the first release.")  # noqa: T201 - a command speaks
        return
    logging.disable(logging.INFO)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "svoykrug.settings")
    settings.INSTALLED_APPS.append("django_migration_linter")
    django.setup()
    with NamedTemporaryFile("w", suffix=".txt") as listed:
        listed.write("\n".join(fresh) + "\n")
        listed.flush()
        call_command(
            "lintmigrations",
            project_root_path=str(ROOT),
            include_migrations_from=listed.name,
            warnings_as_errors=["CREATE_INDEX", "NOT_NULL"],
        )


if __name__ == "__main__":
    main()
