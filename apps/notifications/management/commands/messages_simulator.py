"""`messages_simulator --port 9090`: SMS.ru, Firebase and SendGrid for a demo, on this machine."""

import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.notifications.simulator.sendgrid import public_key
from apps.notifications.simulator.server import Simulator


class Command(BaseCommand):
    help = "Simulated message providers; prints the settings that lead to them."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=0)
        parser.add_argument("--json", action="store_true", help="settings as one JSON line")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT == "production":
            raise CommandError("Simulated providers are not for production.")
        server = Simulator(options["port"])
        found = environment(server)
        if options["json"]:
            self.stdout.write(json.dumps(found))
        else:
            self.stdout.write("\n".join(f"{name}={value}" for name, value in found.items()))
        self.stdout.flush()
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            server.server_close()


def environment(server: Simulator) -> dict[str, str]:
    """What to set so that messages go there."""
    account = settings.BASE_DIR / ".run" / "fcm-simulator.json"
    account.parent.mkdir(exist_ok=True)
    account.write_text(json.dumps(service_account(server.url)), encoding="utf-8")
    gateways = "apps.core.gateways.messages"
    return {
        "PUSH_PROVIDER": f"{gateways}.fcm.Fcm",
        "SMS_PROVIDER": f"{gateways}.smsru.SmsRu",
        "MAIL_PROVIDER": f"{gateways}.sendgrid.SendGrid",
        "SMSRU_URL": server.url,
        "SMSRU_API_ID": server.state.api_id,
        "FCM_URL": server.url,
        "FCM_SERVICE_ACCOUNT": str(account),
        "SENDGRID_URL": server.url,
        "SENDGRID_API_KEY": "SG.simulated",
        "SENDGRID_WEBHOOK_KEY": public_key(),
    }


def service_account(url: str) -> dict[str, str]:
    """A key file such as Firebase gives, of a project that does not exist."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return {
        "type": "service_account",
        "project_id": "svoy-krug-demo",
        "private_key_id": "sim",
        "private_key": pem.decode(),
        "client_email": "push@svoy-krug-demo.iam.gserviceaccount.com",
        "token_uri": f"{url}/token",
    }
