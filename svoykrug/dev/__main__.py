"""Commands of the launcher: `python -m svoykrug.dev <command>`."""

import argparse
import shutil
import sys
from collections.abc import Sequence

from svoykrug.dev import console, embedded, envfile, runner, supervisor
from svoykrug.dev.checkout import PROFILES, RUN, Profile, outside_folder
from svoykrug.dev.console import Problem, complain, say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; ordinary mistakes end in a sentence."""
    console.prepare()
    options = _parser().parse_args(arguments)
    try:
        return int(COMMANDS[options.command](options) or 0)
    except Problem as wrong:
        complain(str(wrong))
        return 1
    except OSError as wrong:
        complain(f"{options.command}: {wrong}.")
        return 1
    except KeyboardInterrupt:
        return 130


def run(options: argparse.Namespace) -> int:
    return supervisor.run(options.profile)


def up(options: argparse.Namespace) -> None:
    embedded.up(options.profile)
    status(options)


def down(options: argparse.Namespace) -> None:
    supervisor.stop(options.profile)
    embedded.down(options.profile)


def status(options: argparse.Namespace) -> None:
    report = embedded.status(options.profile)
    if not report:
        say(f"Nothing was started yet in the profile «{options.profile.name}».")
    for title, state in report.items():
        say(f"{title}: {state}")


def env(options: argparse.Namespace) -> None:
    options.profile.prepare()
    if not options.profile.env_file.exists():
        raise Problem(f"No servers yet: python -m svoykrug.dev up --profile {options.profile.name}")
    say(envfile.exports(options.profile))


def execute(options: argparse.Namespace) -> int:
    words = options.words[1:] if options.words[:1] == ["--"] else options.words
    if not words:
        raise Problem("What to run? For example: exec --profile test -- pytest tests")
    return runner.execute(options.profile, words, servers=not options.no_servers)


def clean(_: argparse.Namespace) -> None:
    if not RUN.exists():
        return
    for name in PROFILES:
        supervisor.stop(Profile(name))
        embedded.down(Profile(name))
    outside = outside_folder()
    shutil.rmtree(outside, ignore_errors=True)
    shutil.rmtree(RUN)


COMMANDS = {
    "run": run,
    "up": up,
    "down": down,
    "status": status,
    "env": env,
    "exec": execute,
    "clean": clean,
}
HELP = {
    "run": "everything in one terminal until Ctrl-C",
    "up": "start PostgreSQL and Valkey and write the environment file",
    "down": "stop them, and a run in another terminal",
    "status": "say what runs",
    "env": "print the environment as lines for eval",
    "exec": "run a command with the servers up: exec --profile test -- pytest",
    "clean": "stop everything of this checkout and delete its data",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m svoykrug.dev", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, text in HELP.items():
        command = commands.add_parser(name, help=text, description=text)
        if name not in ("run", "clean"):
            command.add_argument("--profile", type=_profile, metavar="run|test")
        command.set_defaults(profile=Profile("run"))
        if name == "exec":
            command.add_argument("--no-servers", action="store_true", help="environment only")
            command.add_argument("words", nargs=argparse.REMAINDER, metavar="-- command …")
    return parser


def _profile(name: str) -> Profile:
    if name not in PROFILES:
        raise argparse.ArgumentTypeError(f"«{name}» is not one of {', '.join(PROFILES)}")
    return Profile(name)


if __name__ == "__main__":
    sys.exit(main())
