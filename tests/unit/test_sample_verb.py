"""`order-records sample` where nobody can take its events."""

import pytest

from local.servers.process import free_port
from tests.verbs import verb_runner


def test_while_kafka_is_away_it_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ORDER_RECORDS_KAFKA__BOOTSTRAP_SERVERS", f"127.0.0.1:{free_port()}")
    printed = verb_runner(monkeypatch, capsys)("sample", "1")
    assert (printed.code, printed.out) == (1, "")
    assert printed.err == "Error: Kafka does not take the events: KafkaConnectionError\n"
