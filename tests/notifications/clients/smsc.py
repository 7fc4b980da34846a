"""smsc sends an SMS and a call, meets a refusal and a wrong password, reads the account."""

import json
import sys
from pathlib import Path

sys.path = [place for place in sys.path if Path(place) != Path(__file__).parent]  # this is smsc too

from smsc import SMSC, SMSMessage  # noqa: E402
from smsc.messages import Message  # noqa: E402

given = json.load(sys.stdin)
SMSC._url = given["url"] + "/sys/"
client = SMSC(login="demo", password=given["api_id"])
stranger = SMSC(login="demo", password="guessed")
sms = client.send("79161230001", SMSMessage("Здравствуйте"))
call = client.send("79161230002", Message("Код 1, 2, 3", msg_format="call"))
told = {
    "sms": [sms.count, sms.cost, sms.error],
    "call": [call.count, call.message_id == sms.message_id, call.error],
    "short": client.send("7916", SMSMessage("Здравствуйте")).error.code,
    "stranger": stranger.send("79161230001", SMSMessage("Здравствуйте")).error.code,
    "balance": client.get_balance().balance,
}
json.dump(told, sys.stdout)
