"""The indexes that serve list and search; a team that only audits may go without (one setting)."""

from typing import Final

from pymongo import ASCENDING, IndexModel

BY_FACILITY: Final = "by_facility"
BY_ORDER_RECORD_DATE: Final = "by_order_record_date"

SEARCH_INDEXES: Final = [
    # With the id each is a total order, so a page costs the same at any depth.
    IndexModel([("orderRecordDate", ASCENDING), ("_id", ASCENDING)], name=BY_ORDER_RECORD_DATE),
    # With the deletion date a facility's records are counted in the index alone.
    IndexModel(
        [("facilityRef", ASCENDING), ("_id", ASCENDING), ("deletionDate", ASCENDING)], name=BY_FACILITY
    ),
    IndexModel([("consumer.consumerId", ASCENDING)], name="by_consumer", sparse=True),
    IndexModel([("consumer.addresses.lastName", ASCENDING)], name="by_last_name", sparse=True),
    IndexModel([("payments.receiptNumber", ASCENDING)], name="by_receipt", sparse=True),
    IndexModel([("payments.transactionId", ASCENDING)], name="by_transaction", sparse=True),
    IndexModel([("lineItems.article.tenantArticleId", ASCENDING)], name="by_article"),
]
"""For the collection `records`."""

_DATE: Final = "orderRecordDate"
_EXACT: Final = ["tenantOrderRecordId", *(str(next(iter(m.document["key"]))) for m in SEARCH_INDEXES)]


def what_is_fast(*, indexed: bool) -> str:
    """For a client whose list or search took too long; `indexed` says whether these indexes are there."""
    if not indexed:
        return "compare tenantOrderRecordId by eq or in: there is no index for anything else"
    exact = [path for path in _EXACT if path != _DATE]
    names = f"{', '.join(exact[:-1])} or {exact[-1]}"
    return f"compare {names} by eq or in, limit {_DATE}, or sort by {_DATE} or not at all"
