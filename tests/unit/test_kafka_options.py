"""What the Kafka clients are given, and how topics are made."""

import pytest
from faststream.security import SASLScram512

from runtime.errors import UserError
from runtime.kafka import client_options, faststream_security
from runtime.settings import load_settings
from runtime.topics import wanted_topics

SASL = {
    "ORDER_RECORDS_KAFKA__SECURITY_PROTOCOL": "SASL_SSL",
    "ORDER_RECORDS_KAFKA__SASL_MECHANISM": "SCRAM-SHA-512",
    "ORDER_RECORDS_KAFKA__SASL_USERNAME": "shop",
    "ORDER_RECORDS_KAFKA__SASL_PASSWORD": "secret",
}


def test_plain_options_hold_a_list_of_servers_and_no_user() -> None:
    options = client_options(load_settings({}).kafka)

    assert options["bootstrap_servers"] == ["127.0.0.1:9092"]
    assert options["ssl_context"] is None
    assert "sasl_plain_password" not in options
    assert faststream_security(load_settings({}).kafka) is None


def test_both_clients_are_given_the_same_user_and_mechanism() -> None:
    kafka = load_settings(SASL).kafka

    options, security = client_options(kafka), faststream_security(kafka)

    assert options["sasl_mechanism"] == "SCRAM-SHA-512"
    assert isinstance(security, SASLScram512)
    assert (security.username, security.password) == ("shop", "secret")
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("shop", "secret")


def test_a_certificate_file_that_is_absent_is_named_by_its_variable() -> None:
    kafka = load_settings(SASL | {"ORDER_RECORDS_KAFKA__SSL_CAFILE": "/absent"}).kafka

    with pytest.raises(UserError, match="ORDER_RECORDS_KAFKA__SSL_CAFILE"):
        client_options(kafka)


def test_audit_and_checkpoint_topics_have_one_partition_and_checkpoints_are_kept_a_year_longer() -> None:
    orders, audit, checkpoints = wanted_topics(load_settings({"ORDER_RECORDS_AUDIT__RETENTION_DAYS": "10"}))
    day = 86_400_000

    assert int(orders.config["max.message.bytes"]) > 2 * 1024 * 1024
    assert (audit.partitions, checkpoints.partitions) == (1, 1)
    assert int(audit.config["retention.ms"]) == 10 * day
    assert int(checkpoints.config["retention.ms"]) == 375 * day
