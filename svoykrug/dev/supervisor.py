"""`make run` and `make serve`: servers, set-up commands, web, worker and beat in one terminal, until Ctrl-C."""

import http.client
import ipaddress
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from apps.notifications.simulator.callbacks import Reporter
from apps.notifications.simulator.environment import environment as leading_to
from apps.notifications.simulator.server import Simulator
from svoykrug.dev import banner, children, embedded, envfile, ports
from svoykrug.dev.checkout import ROOT, Profile, checkout_id, try_lock
from svoykrug.dev.children import MARK, Child
from svoykrug.dev.console import Problem, complain, say, tail

# Generous: a dead child is noticed at once, and a cold start on a small machine may be long.
READY_SECONDS = 180.0
REMIND_SECONDS = 20.0
PATIENCE_SECONDS = 10.0
LOOK_AT_SERVERS = 5.0
LOCK = "run.lock"
READY = "/health/ready"
WORKER = (
    *("-m", "celery", "-A", "svoykrug", "worker", "--pool", "threads", "--loglevel", "INFO"),
    *("--without-mingle", "--without-gossip"),  # they have nothing to tell each other
)
COMMANDS: Mapping[str, Sequence[str]] = {
    "web": ("-m", "gunicorn", "svoykrug.wsgi", "--config", "svoykrug/gunicorn.conf.py"),
    # Two workers: codes and critical messages never stand behind a broadcast or a report.
    "worker": (
        *WORKER,
        "--hostname",
        "worker@%h",
        "--concurrency",
        "4",
        "--queues",
        "celery,medium",
    ),
    "express": (
        *WORKER,
        *("--hostname", "express@%h", "--concurrency", "4", "--queues", "critical,high"),
    ),
    "beat": (
        *("-m", "celery", "-A", "svoykrug", "beat", "--loglevel", "INFO"),
        *("--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"),
    ),
}
# The demo partners' own systems, with trade that goes on: development only, and after everything
# is up, so that nobody waits for it. CRM_SIMULATOR=0 leaves it out.
SIMULATOR = (
    *("manage.py", "crm_simulator", "--tick", "20", "--members", "60"),
    *("--state", ".run/crm_world.json"),
    *("--connect", "mindal=yclients", "--connect", "lisichkino=iiko"),
    *("--connect", "lisichkino=onec2", "--connect", "skinerica=onec"),
    *("--connect", "stim=amocrm", "--connect", "millennium=renovatio"),
)
SETUP = ("migrate --noinput", "migrate_clickhouse")
DEMO, STATIC = "load_demo", "collectstatic --noinput"


def run(profile: Profile) -> int:
    """Run the project in the foreground. Returns the exit code; raises Problem."""
    profile.prepare()
    held = try_lock(profile.state / LOCK)
    if held is None:
        raise Problem(_already())
    try:
        count = children.stop_leftovers()
        if count:
            say(f"Stopped {count} processes left by an earlier run.")
        host = _host()
        _check_port(host, envfile.web_port())
        return Supervisor(profile, host).work()
    finally:
        os.close(held)


def stop(profile: Profile) -> None:
    """Stop a supervisor running in another terminal, or what it left."""
    lock = profile.state / LOCK
    if profile.name != "run" or not lock.exists():
        return
    who = children.recorded().get("supervisor", {})
    if children.is_same(who):
        os.kill(int(who["pid"]), signal.SIGTERM)
    deadline = time.monotonic() + 40
    while (held := try_lock(lock)) is None:
        if time.monotonic() > deadline:
            raise Problem(f"The running supervisor (pid {who.get('pid', '?')}) does not stop.")
        time.sleep(0.1)
    children.stop_leftovers()
    os.close(held)


def _already() -> str:
    known = children.recorded()
    place = f" at {known['url']}" if "url" in known else ""
    return f"This checkout is running already{place}. Stop it with Ctrl-C there, or: make stop"


def _host() -> str:
    """HOST if it is an address; some shells keep the machine's name under this name."""
    host = os.environ.get("HOST", "")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ports.LOOPBACK


def _check_port(host: str, port: int) -> None:
    if ports.is_free(port, host):
        return
    other = next((p for p in range(port + 1, port + 100) if ports.is_free(p, host)), port + 1)
    who = ports.holder(port)
    raise Problem(f"Port {port} is busy{f' ({who})' if who else ''}. Try: make run PORT={other}")


class Supervisor:
    """Brings everything up, watches over it and takes it down."""

    def __init__(self, profile: Profile, host: str) -> None:
        self.profile = profile
        self.host = host
        self.port = envfile.web_port()
        self.url = f"http://{ports.LOOPBACK}:{self.port}"
        self.stopping = threading.Event()
        self.children: list[Child] = []
        self.asking: list[subprocess.Popen[bytes]] = []
        self.environment: dict[str, str] = {}
        self.messages: Simulator | None = None

    def work(self) -> int:
        with self._signals():
            began = time.monotonic()
            children.record([], self.url)
            try:
                with embedded.in_use(self.profile, own=True) as environment:
                    # Celery's advice not to be root is for servers, not for a container.
                    quiet = {"PYTHONWARNINGS": "ignore:::celery.platforms", **environment}
                    self.environment = {**quiet, "HOST": self.host}
                    say(f"  PostgreSQL, Valkey … {time.monotonic() - began:.1f} s")
                    return self._inside(began)
            finally:
                children.RECORD.unlink(missing_ok=True)
                say("Stopped. Остановлено.")

    def _inside(self, began: float) -> int:
        try:
            if not self._prepare():
                return 0
            self._start()
            if self._wait_until_ready():
                outbox = f"{self.messages.url}/control" if self.messages else ""
                banner.addresses(self.url, time.monotonic() - began, outbox)
                self._ask_logins()
                self._start_simulator()
                self._watch()
            return 0
        except Problem as wrong:
            complain(str(wrong))
            return 1
        finally:
            say("Stopping… Останавливаюсь…")
            for one in self.asking:
                one.kill()
            children.stop_all(self.children)

    def _prepare(self) -> bool:
        """Run the set-up commands; False when we were asked to stop meanwhile."""
        development = self.environment.get("ENVIRONMENT") == "development"
        lines = [*SETUP, DEMO if development else STATIC]
        log = self.profile.logs / "setup.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "svoykrug.dev.prepare", *lines],
                cwd=ROOT,
                env={**self.environment, MARK: checkout_id(), "PYTHONIOENCODING": "utf-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        relay = threading.Thread(target=_repeat, args=(process.stdout,), daemon=True)
        relay.start()
        while process.poll() is None:
            if self.stopping.wait(0.05):
                process.terminate()
                process.wait()
                say()
                return False
        relay.join(1)
        if process.returncode:
            raise Problem(f"The end of {log}:\n{tail(log)}")
        return True

    def _ask_logins(self) -> None:
        """Ask for the demo logins: the table for people, and one address out of the document."""
        self.asking = [
            subprocess.Popen(
                [sys.executable, "manage.py", "demo_logins", *how],
                cwd=ROOT,
                env={**self.environment, MARK: checkout_id(), "PYTHONIOENCODING": "utf-8"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            for how in ((), ("--json",))
        ]
        # Beside the watch: neither Ctrl-C nor a dead child may wait for it.
        threading.Thread(target=self._show_logins, daemon=True).start()

    def _show_logins(self) -> None:
        table, document = (one.communicate()[0].decode("utf-8", "replace") for one in self.asking)
        if not any(one.returncode for one in self.asking):
            banner.logins(self.url, table.rstrip(), document)

    def _start(self) -> None:
        if self.environment.get("ENVIRONMENT") == "development":
            self._carry_messages()
        for name, words in COMMANDS.items():
            self._begin(name, words, hushed=READY.encode())  # our own asking is no news

    def _start_simulator(self) -> None:
        development = self.environment.get("ENVIRONMENT") == "development"
        if development and os.environ.get("CRM_SIMULATOR", "1") != "0":
            self._begin("simulator", SIMULATOR)

    def _begin(self, name: str, words: Sequence[str], *, hushed: bytes = b"") -> None:
        child = Child(name, words, self.environment, self.profile.logs / f"{name}.log")
        self.children.append(child)
        child.hushed = hushed
        child.start()
        children.record(self.children, self.url)

    def _carry_messages(self) -> None:
        """SMS.ru, Firebase and SendGrid for the demo, in this process: messages really go over
        HTTP, and what became of them comes back. A provider set by hand stays."""
        self.messages = Simulator()
        threading.Thread(target=self.messages.serve_forever, daemon=True).start()
        Reporter(self.messages.state, self.url)
        self.environment = leading_to(self.messages, folder=self.profile.state) | self.environment

    def _wait_until_ready(self) -> bool:
        """Wait for 200 from /health/ready; False when we were asked to stop meanwhile."""
        deadline = time.monotonic() + READY_SECONDS
        remind = time.monotonic() + REMIND_SECONDS
        answer = "nothing"
        while time.monotonic() < deadline:
            self._refuse_death()
            status, answer = _ask(self.host, self.port)
            if status == http.client.OK:
                break
            if time.monotonic() > remind:
                say(f"  still waiting for {self.url}{READY}: {answer}")
                remind += REMIND_SECONDS
            if self.stopping.wait(0.5):
                return False
        else:
            raise Problem(
                f"Not ready after {READY_SECONDS:.0f} s: {self.url}{READY} answered {answer}.\n"
                f"Logs are in {self.profile.logs}."
            )
        for child in self.children:
            child.hushed = b""
        return True

    def _refuse_death(self) -> None:
        for child in self.children:
            if child.code is not None:
                raise Problem(
                    f"{child.name} ended with code {child.code} before it was ready. "
                    f"The end of {child.log}:\n{tail(child.log)}"
                )

    def _watch(self) -> None:
        """Until we are asked to stop: start again whatever ends."""
        look = time.monotonic() + LOOK_AT_SERVERS
        while not self.stopping.wait(0.3):
            now = time.monotonic()
            for child in self.children:
                self._care(child, now)
            if now > look:
                embedded.revive(self.profile)
                look = time.monotonic() + LOOK_AT_SERVERS

    def _care(self, child: Child, now: float) -> None:
        if child.code is None:
            return
        if not child.due:
            pause = child.postpone()
            say(f"{child.name} ended with code {child.code}; starting again in {pause:.0f} s.")
        elif now >= child.due:
            child.due = 0.0
            child.start()
            children.record(self.children, self.url)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stop on Ctrl-C and TERM, even where a script's `&` made Ctrl-C ignored."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        old = {n: signal.signal(n, lambda *_: self.stopping.set()) for n in numbers}
        try:
            yield
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)


def _repeat(stream: IO[bytes]) -> None:
    """Copy words as they come, with a dot for every ten silent seconds."""
    while True:
        ready, _, _ = select.select([stream], [], [], PATIENCE_SECONDS)
        words = os.read(stream.fileno(), 4096) if ready else b"."
        if not words:
            return
        say(words.decode("utf-8", "replace"), end="")


def _ask(host: str, port: int) -> tuple[int, str]:
    """Status and a piece of the answer of /health/ready; no proxy of the environment is used."""
    probe = ports.LOOPBACK if host in ("0.0.0.0", "::") else host  # noqa: S104
    connection = http.client.HTTPConnection(probe, port, timeout=5)
    try:
        connection.request("GET", READY)
        answer = connection.getresponse()
        text = answer.read(500).decode("utf-8", "replace")
        return answer.status, f"{answer.status} {text}"
    except (OSError, http.client.HTTPException) as wrong:
        return 0, f"nothing ({wrong})"
    finally:
        connection.close()
