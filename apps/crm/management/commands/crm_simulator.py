import threading
from pathlib import Path
from typing import Any

import orjson
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.accounts.models import User
from apps.businesses.models import Business
from apps.core.errors import Refused
from apps.crm import services
from apps.crm.enums import Trigger
from apps.crm.services.connections import webhook_key
from apps.crm.simulator.faults import HABITS, KNOWN
from apps.crm.simulator.hooks import Hooks
from apps.crm.simulator.life import Life
from apps.crm.simulator.server import Server
from apps.crm.simulator.systems import make_systems
from apps.crm.simulator.world import World

MADE_UP = 30


class Command(BaseCommand):
    help = (
        "Serve YCLIENTS, iiko, 1C, amoCRM and Renovatio on loopback from one made-up world. "
        "Never in production."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
        parser.add_argument("--json", action="store_true", help="print addresses and credentials")
        parser.add_argument("--state", type=Path, help="file in which the world outlives a stop")
        parser.add_argument("--tick", type=float, default=0, help="something happens every … s")
        parser.add_argument("--members", type=int, default=0, help="guests are so many members")
        parser.add_argument("--connect", action="append", default=[], metavar="SLUG=SYSTEM")
        parser.add_argument("--fault", action="append", default=[], metavar="SYSTEM:NAME[=CHANCE]")

    def handle(self, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("Made-up systems belong to development and tests only.")
        world = World(state=options["state"])
        self._invite(world, options["members"])
        systems = make_systems(world)
        self._break(systems, options["fault"])
        server = Server(systems, options["port"]).start()
        if options["json"]:
            self.stdout.write(orjson.dumps(server.describe(), default=str).decode())
        else:
            self.stdout.write(f"CRM simulator at http://127.0.0.1:{server.port}/")
        self.stdout.flush()
        life = Life(world, self._played(systems, options["connect"]), [*world.guests.values()])
        life.begin(8)
        Hooks(world, systems, self._connect(server, options["connect"]))
        stop = threading.Event()
        try:
            while not stop.wait(options["tick"] or 3600):
                if options["tick"]:
                    life.tick()
        except KeyboardInterrupt:
            server.stop()

    @staticmethod
    def _played(systems: dict[str, Any], pairs: list[str]) -> list[str]:
        asked = [pair.partition("=")[2] for pair in pairs]
        return [name for name in asked if name in systems] or [*systems]

    @staticmethod
    def _invite(world: World, members: int) -> None:
        if world.guests:
            return
        # The newest: those whom a person signs in as came first, and their figures stay theirs.
        known = User.objects.filter(phone_index__isnull=False, job="").order_by("-pk")[:members]
        for user in known:
            born = user.birth_date.isoformat() if user.birth_date else "1990-05-01"
            world.add_guest(
                user.phone,
                first_name=user.first_name,
                last_name=user.last_name,
                birth_date=born,
            )
        for n in range(MADE_UP if not members else 3):  # guests who are no members
            world.add_guest(f"+7900555{n:04}")

    @staticmethod
    def _break(systems: dict[str, Any], wanted: list[str]) -> None:
        for text in wanted:
            name, _colon, fault = text.partition(":")
            fault, _equals, chance = fault.partition("=")
            if name not in systems or fault not in KNOWN | HABITS:
                raise CommandError(f"{text}: known are {', '.join(KNOWN | HABITS)}")
            if fault in HABITS:
                systems[name].faults.habits.add(fault)
            else:
                systems[name].faults.chances[fault] = float(chance or 0.2)

    def _connect(self, server: Server, pairs: list[str]) -> dict[str, str]:
        """Connect demo partners to their systems; the addresses that these call."""
        given, targets = server.describe(), {}
        for pair in pairs:
            slug, _equals, name = pair.partition("=")
            business = Business.objects.filter(slug=slug).first()
            if business is None or name not in given:
                self.stderr.write(f"{pair}: no such partner or system")
                continue
            row = services.connect(
                business=business,
                system=server.systems[name].kind,
                by=None,
                base_url=given[name]["baseUrl"],
                credentials=given[name]["credentials"],
                options=given[name]["options"],
                secret=given[name].get("webhookSecret"),
            )
            services.test_connection(integration=row, by=None)
            targets[name] = f"{settings.SITE_URL}/webhooks/crm/{webhook_key(row)}"
            try:
                services.run_sync(row.pk, trigger=Trigger.HAND)
            except Refused:
                self.stderr.write(f"{pair}: is being read already")
        return targets
