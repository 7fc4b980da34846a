"""aioamocrm rotates the pair of tokens, walks the leads, finds a contact, and reads a call."""

import asyncio
import json
import sys

from aioamocrm import AmoCRMClient, AuthError, MemoryTokenStorage, OAuth2, TokenSet, parse_webhook


def storage(refresh: str) -> MemoryTokenStorage:
    """A pair whose access token has ended: the first request has to renew it."""
    return MemoryTokenStorage(TokenSet("ended", refresh, expires_at=1.0))


async def main() -> None:
    given = json.load(sys.stdin)
    keys = given["credentials"]
    names = (keys["client_id"], keys["client_secret"], keys["redirect_uri"])
    first = storage(keys["refresh_token"])
    async with AmoCRMClient(base_url=given["baseUrl"], auth=OAuth2(*names, first)) as amo:
        account = await amo.account.get()
        changed = {"updated_at": {"from": given["from"]}}
        leads = [
            one async for one in amo.leads.iterate(filter=changed, with_=["contacts"], limit=50)
        ]
        contacts = [one async for one in amo.contacts.iterate(query=given["phone"][-10:])]
        pipelines = await amo.pipelines.list()
        again = storage(keys["refresh_token"])
        async with AmoCRMClient(base_url=given["baseUrl"], auth=OAuth2(*names, again)) as late:
            try:
                await late.account.get()
                spent = False
            except AuthError:
                spent = True
    events = parse_webhook(given["hook"]).events
    told = {
        "account": account.id,
        "leads": [
            {"id": one.id, "price": one.price, "status": one.status_id, "pipeline": one.pipeline_id}
            for one in leads
        ],
        "contacts": [one.id for one in contacts],
        "pipelines": [one.id for one in pipelines],
        "spentRefused": spent,
        "event": [events[0].entity, events[0].action, events[0].id],
    }
    json.dump(told, sys.stdout, default=str)


asyncio.run(main())
