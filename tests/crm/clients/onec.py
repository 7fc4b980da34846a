"""python-1c-odata reads the metadata, walks the receipts and asks for one of them."""

import asyncio
import json
import sys
from datetime import datetime

from python_1c_odata import Catalog, Document, F, Infobase, ODataError


async def main() -> None:
    given = json.load(sys.stdin)
    keys = given["credentials"]
    server, _slash, base = given["baseUrl"].rpartition("/")
    since = datetime.fromisoformat(given["from"])
    async with Infobase(server, base, keys["login"], keys["password"]) as infobase:
        receipts = Document(infobase, "ЧекККМ")
        wanted = (F("Date") >= since) & (F("СуммаДокумента") > 0)
        fields = ["Ref_Key", "Date", "ВидОперации", "СуммаДокумента", "DeletionMark"]
        fields += ["СтатусЧекаККМ", "ЧекККМПродажа_Key"]
        rows = [
            row
            async for row in receipts.iterate(
                page_size=50, odata_filter=wanted, orderby="Date,Ref_Key", select=fields
            )
        ]
        counted = await receipts.count(odata_filter=wanted)
        one = await receipts.get(rows[0]["Ref_Key"])
        cards = Catalog(infobase, "ИнформационныеКарты")
        page = await cards.query(top=5, odata_filter=F("КодКарты") == given["phone"].lstrip("+"))
        sets = await infobase.entity_sets()
        try:
            await Document(infobase, "ЗаказКлиента").query(top=1)
            refused = ""
        except ODataError as error:
            refused = type(error).__name__
    told = {
        "rows": rows,
        "count": counted,
        "one": one["Ref_Key"],
        "cards": [row["Ref_Key"] for row in page.value],
        "sets": sets,
        "unpublished": refused,
    }
    json.dump(told, sys.stdout, default=str)


asyncio.run(main())
