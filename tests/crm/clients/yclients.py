"""poor_yclientsapi signs in and reads the records of a branch, page by page."""

import json
import sys

from yclientsapi import YclientsAPI


def main() -> None:
    given = json.load(sys.stdin)
    keys = given["credentials"]
    where = {"api_base_url": f"{given['baseUrl']}/api"}
    branch = int(given["options"]["company_id"])
    with YclientsAPI(branch, keys["partner_token"], config_dict=where) as api:
        user = api.auth.authenticate(keys["login"], keys["password"])
        records, page, total = [], 1, 1
        while len(records) < total:
            found = api.record.list(
                page=page, count=50, with_deleted=True, include_finance_transactions=1
            )
            assert found.success
            if not found.data:
                break
            records += found.data
            page, total = page + 1, found.meta.total_count
    rows = [
        {
            "visit": one.visit_id,
            "phone": one.client.phone if one.client else "",
            "cost": sum(service.cost for service in one.services),
            "deleted": one.deleted,
            "came": one.attendance == 1,
            "at": one.datetime_.isoformat(),
        }
        for one in records
    ]
    json.dump({"user": user.data.id, "rows": rows}, sys.stdout)


main()
