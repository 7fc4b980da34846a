"""The settings that lead to the simulator. No Django here: the launcher asks before there is one."""

import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.notifications.simulator.sendgrid import public_key
from apps.notifications.simulator.server import Simulator

GATEWAYS = "apps.core.gateways.messages"


def environment(server: Simulator, *, folder: Path) -> dict[str, str]:
    """What to set so that messages go there; the key file of Firebase is written to `folder`."""
    account = folder / "fcm-simulator.json"
    folder.mkdir(parents=True, exist_ok=True)
    account.write_text(json.dumps(service_account(server.url)), encoding="utf-8")
    return {
        "PUSH_PROVIDER": f"{GATEWAYS}.fcm.Fcm",
        "SMS_PROVIDER": f"{GATEWAYS}.smsru.SmsRu",
        "MAIL_PROVIDER": f"{GATEWAYS}.sendgrid.SendGrid",
        "SMSRU_URL": server.url,
        "SMSRU_API_ID": server.state.api_id,
        "SMSC_URL": server.url,
        "SMSC_API_KEY": server.state.api_id,
        "FCM_URL": server.url,
        "FCM_SERVICE_ACCOUNT": str(account),
        "SENDGRID_URL": server.url,
        "SENDGRID_API_KEY": "SG.simulated",
        "SENDGRID_WEBHOOK_KEY": public_key(),
        "QUIET_HOURS": "",  # a demo that is looked at by night must not seem dead
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
