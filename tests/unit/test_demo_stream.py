"""Which texts of an order the demo looks for in what must name nobody."""

import pytest

from local.demo.stream import _personal


def looked_for(text: str) -> bool:
    return list(_personal({"consumer": {"addresses": [{"postalCode": text}]}, "lineItems": []})) == [text]


@pytest.mark.parametrize("text", ["80-001", "123456", "-12-34-", "deadbeef", "DEADBEEF", "123456789"])
def test_what_could_be_part_of_an_id_by_chance_is_not_looked_for(text: str) -> None:
    assert not looked_for(text)


@pytest.mark.parametrize("text", ["", "Ann", "80331", "Baker"])
def test_what_is_too_short_to_tell_of_somebody_is_not_looked_for(text: str) -> None:
    assert not looked_for(text)


@pytest.mark.parametrize("text", ["SW1A 1AA", "80-001 ", "Müller", "Facade Inc", "0049170123", "a-b-c-d-e-f"])
def test_every_other_text_is_looked_for(text: str) -> None:
    assert looked_for(text)
