"""iikocloudapi signs in by application, reads the report, orders, a guest, and a call."""

import asyncio
import json
import sys

from iikocloudapi import AppAuth, BadRequest, IikoCloud
from iikocloudapi.webhooks import parse_webhook, verify_webhook_token

PERIOD = {
    "name": "OpenDate.Typed",
    "filterType": "DateRange",
    "periodType": "CUSTOM",
    "includeLow": True,
    "includeHigh": False,
}
GROUPS = ["UniqOrderId.Id", "CloseTime", "Storned", "OrderDeleted", "DeletedWithWriteoff"]
GROUPS += ["SourceOrderId"]


async def main() -> None:
    given = json.load(sys.stdin)
    auth = AppAuth(api_key=given["credentials"]["api_key"], **given["v2"])
    async with IikoCloud(auth=auth, base_url=given["baseUrl"]) as iiko:
        organization = (await iiko.organizations()).organizations[0].id
        groups = await iiko.terminal_groups(organization_ids=[organization])
        columns = await iiko.reporting.olap.columns.get(report_type="SALES")
        report = await iiko.reporting.olap.get(
            report_type="SALES",
            build_summary=False,
            group_by_row_fields=GROUPS,
            aggregate_fields=["DishDiscountSumInt", "DishReturnSum"],
            filters=[PERIOD | {"from": given["from"], "to": given["to"]}],
        )
        orders = await iiko.order.by_id(
            organization_ids=[organization], pos_order_ids=given["orders"]
        )
        guest = await iiko.loyalty.customer.info(
            body={"type": "phone", "phone": given["phone"], "organizationId": organization}
        )
        try:
            await iiko.loyalty.customer.info(
                body={"type": "phone", "phone": "+79000000000", "organizationId": organization}
            )
            refused = False
        except BadRequest:
            refused = True
    events = parse_webhook(given["hook"])
    told = {
        "organization": organization,
        "group": groups.terminal_groups[0].items[0].name,
        "columns": [one.name for one in columns],
        "rows": report.data,
        "orders": [
            {"pos": one.pos_id, "phone": one.order.phone, "sum": one.order.sum}
            for one in orders.orders
        ],
        "guest": guest.phone,
        "cards": [one.number for one in guest.cards],
        "strangerRefused": refused,
        "event": type(events[0]).__name__,
        "eventOrder": events[0].event_info.pos_id,
        "proved": verify_webhook_token(given["authorization"], given["webhookSecret"]),
    }
    json.dump(told, sys.stdout, default=str)


asyncio.run(main())
