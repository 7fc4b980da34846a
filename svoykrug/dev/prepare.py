"""Set-up commands one after another in one process: Django is loaded once, not three times.

The one file of the launcher that touches Django, and the supervisor starts it as a child:
`python -m svoykrug.dev.prepare "migrate --noinput" load_demo`. Progress goes to the standard
output, everything that the commands say to the error stream.
"""

import sys
import time
from collections.abc import Sequence

import manage


def main(lines: Sequence[str]) -> None:
    """Run the commands; the first failure ends the process with its exit code."""
    progress, sys.stdout = sys.stdout, sys.stderr
    for line in lines:
        began = time.monotonic()
        print(f"  {line.split()[0]} …", end="", file=progress, flush=True)
        try:
            _call(line)
        except BaseException:
            print(f" failed: manage.py {line}", file=progress, flush=True)
            raise
        print(f" {time.monotonic() - began:.1f} s", file=progress, flush=True)


def _call(line: str) -> None:
    sys.argv = ["manage.py", *line.split()]
    try:
        manage.main()
    except SystemExit as end:
        if end.code:
            raise


if __name__ == "__main__":
    main(sys.argv[1:])
