"""smsru-api sends one text to two numbers and two texts, asks after an SMS, reads the account."""

import json
import sys

import smsru_api

given = json.load(sys.stdin)
client = smsru_api.Client(given["api_id"])
client._base_url = given["url"]
sent = client.send("9161230001", "9161230002", message="Здравствуйте")["sms"]
client.send(multi={"9161230003": "Один", "9161230004": "Два"})
sms_id = sent["79161230001"]["sms_id"]
told = {
    "sent": {number: row["status_code"] for number, row in sent.items()},
    "state": client.status(sms_id)["sms"][sms_id]["status_code"],
    "balance": client.balance()["balance"],
    "limit": client.limit()["total_limit"],
    "senders": client.senders()["senders"],
}
json.dump(told, sys.stdout)
