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
