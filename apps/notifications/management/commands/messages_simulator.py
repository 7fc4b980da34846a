"""`messages_simulator --port 9090`: SMS.ru, Firebase and SendGrid for a demo, on this machine."""

import json
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.notifications.simulator.callbacks import Reporter
from apps.notifications.simulator.environment import environment
from apps.notifications.simulator.server import Simulator


class Command(BaseCommand):
    help = "Simulated message providers; prints the settings that lead to them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=0)
        parser.add_argument("--site", help="address of the product, to be told of deliveries")
        parser.add_argument("--json", action="store_true", help="settings as one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("Simulated providers are not for production.")
        server = Simulator(options["port"])
        found = environment(server, folder=settings.BASE_DIR / ".run")
        if options["site"]:
            Reporter(server.state, options["site"])
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write("\n".join(f"{name}={value}" for name, value in found.items()))
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()
