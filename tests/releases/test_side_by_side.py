"""While a release rolls out, old code meets the new schema; after a step back, new code may meet
the old one. Both must sell, return, give and register (security.md part 9.6).

The release before is the newest tag `v…`, or the commit in RELEASE_BEFORE.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from svoykrug.dev.checkout import ROOT, RUN
from tests.faults.stand import stand

OPERATIONS = 200

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("faults")]


def git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


@pytest.fixture(scope="module")
def before() -> Iterator[Path]:
    """The source of the release before."""
    name = os.environ.get("RELEASE_BEFORE") or git(
        "describe", "--tags", "--match", "v*", "--abbrev=0", "HEAD^"
    )
    if not name:
        pytest.skip("there is no release yet: no tag v… before this commit")
    folder = RUN / "release-before"
    shutil.rmtree(folder, ignore_errors=True)
    git("worktree", "prune")
    git("worktree", "add", "--detach", "--force", str(folder), name)
    assert (folder / "manage.py").exists(), f"{name} cannot be checked out"
    yield folder
    git("worktree", "remove", "--force", str(folder))


@pytest.mark.parametrize("new", ["schema", "code"])
def test_one_of_them_is_new(new: str, before: Path, django_db_blocker: Any) -> None:
    schema, code = (ROOT, before) if new == "schema" else (before, ROOT)

    with django_db_blocker.unblock(), stand(schema=schema, code=code) as world:
        with world.load() as traffic:
            traffic.wait(OPERATIONS, patience=180)
        world.settle()

        assert world.faults() == {}
        done = {one.kind for one in world.ledger.done if one.succeeded}
        assert {"sale", "refund", "hold", "gift", "register"} <= done, world.heard()
        assert not [what for what in world.ledger.seen if what in ("INTERNAL", "500")]
