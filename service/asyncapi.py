"""The AsyncAPI 3.0 document of the two topics that others meet: orders in, audit events out.

Its examples are those of the pages for publishers and compliance teams, which tests hold against the code.
The topic of checkpoints is not in it: signed notes have a standard of their own (docs/compliance.md).
"""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import orjson
from pydantic import BaseModel

from audit.events import AuditEvent
from runtime.kafka_settings import Kafka
from runtime.settings import Audit
from runtime.topics import ORDER_MESSAGE_BYTES, ORDER_PARTITIONS

Json = dict[str, Any]

ORDER_SCHEMA: Final = "schemas/order-completed.schema.json"
AUDIT_SCHEMA: Final = "schemas/audit-event.schema.json"
_JSON_BLOCK: Final = re.compile(r"^```json\n(.*?)^```", re.MULTILINE | re.DOTALL)
_HEADER: Final = re.compile(r"^(ce_\w+|content-type): (\S+)$", re.MULTILINE)
_CLOUD_EVENT: Final = "application/cloudevents+json"
_BINDING: Final = "0.5.0"
_DAY_MS: Final = 86_400_000


def asyncapi_document(publishers_page: str, compliance_page: str) -> Json:
    """The document; references to the schemas are relative to the folder of the pages."""
    orders, audit = _order_messages(publishers_page), _audit_messages(compliance_page)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Order Records",
            "version": "1",
            "description": "Finished orders come in as order-completed events; every erasure and every "
            "refusal goes out as an audit event. Names of topics are the defaults. The pages for publishers "
            "and for compliance teams say what is promised.",
        },
        "defaultContentType": "application/json",
        "channels": {"orderCompleted": _order_channel(orders), "audit": _audit_channel(audit)},
        "operations": {
            "receiveOrderCompleted": _operation("receive", "orderCompleted", orders),
            "sendAuditEvent": _operation("send", "audit", audit),
        },
        "components": {"messages": orders | audit},
    }


def _order_channel(messages: Json) -> Json:
    return _channel(
        "order_topic",
        "Where publishers announce finished orders: at least once in, stored exactly once. Of other types of "
        "events nothing is taken.",
        messages,
        {
            "partitions": ORDER_PARTITIONS,
            "topicConfiguration": {"max.message.bytes": ORDER_MESSAGE_BYTES},
        },
    )


def _audit_channel(messages: Json) -> Json:
    return _channel(
        "audit_topic",
        "The audit trail: one partition, in order, delivered at least once; a repeat has the same id and the "
        "same bytes.",
        messages,
        {
            "partitions": 1,
            "topicConfiguration": {
                "cleanup.policy": ["delete"],
                "retention.ms": int(Audit.model_fields["retention_days"].default) * _DAY_MS,
            },
        },
    )


def _channel(setting: str, description: str, messages: Json, kafka: Json) -> Json:
    address = Kafka.model_fields[setting].default
    return {
        "address": address,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
        "bindings": {"kafka": {"topic": address, **kafka, "bindingVersion": _BINDING}},
    }


def _operation(action: str, channel: str, messages: Json) -> Json:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in messages],
    }


def _order_messages(page: str) -> Json:
    structured, binary, envelope = _blocks(page)[:3]
    headers = dict(_HEADER.findall(page))
    return {
        "structuredOrder": _message(
            "CloudEvents 1.0, structured: everything is in the value.",
            f"{ORDER_SCHEMA}#/definitions/StructuredCloudEvent",
            [{"payload": structured}],
            contentType=_CLOUD_EVENT,
        ),
        "binaryOrder": _message(
            "CloudEvents 1.0, binary: the order is the value, the attributes are headers.",
            f"{ORDER_SCHEMA}#/definitions/Order",
            [{"headers": headers, "payload": binary}],
            headers={"$ref": f"{ORDER_SCHEMA}#/definitions/BinaryHeaders"},
        ),
        "envelopedOrder": _message(
            "The plain envelope.", f"{ORDER_SCHEMA}#/definitions/Envelope", [{"payload": envelope}]
        ),
    }


def _audit_messages(page: str) -> Json:
    examples = {block["type"]: block for block in _blocks(page)}
    messages = {}
    for model, name in audit_models():
        example = examples.get(name)
        messages[f"{model.__name__[0].lower()}{model.__name__[1:]}"] = _message(
            (model.__doc__ or "").strip(),
            f"{AUDIT_SCHEMA}#/definitions/{model.__name__}",
            [{"payload": example}] if example else [],
            name=name,
            contentType=_CLOUD_EVENT,
        )
    return messages


def audit_models() -> Iterator[tuple[type[BaseModel], str]]:
    """Every kind of audit event, and its type."""
    for model in get_args(get_args(AuditEvent)[0]):
        yield model, get_args(model.model_fields["type"].annotation)[0]


def _message(summary: str, payload: str, examples: list[Json], **members: Any) -> Json:
    bindings = {"kafka": {"key": {"type": "string"}, "bindingVersion": _BINDING}}
    shown = {"examples": examples} if examples else {}
    return {"summary": summary, **members, "payload": {"$ref": payload}, "bindings": bindings, **shown}


def _blocks(page: str) -> list[Json]:
    return [orjson.loads(block) for block in _JSON_BLOCK.findall(page)]
