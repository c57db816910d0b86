"""What a task waits for, in words."""

import pytest

from app.domain.waiting import Awaited


@pytest.mark.parametrize(
    ("signal", "words"),
    [
        ('entity:["orders","t","7",["paid","done"]]', "waits for t 7 of orders to be in paid or done"),
        ("entity:mine", "waits for signal 'entity:mine'; send it with: workflow signal ID entity:mine --payload '{}'"),
        ("entity:[1]", "waits for signal 'entity:[1]'; send it with: workflow signal ID 'entity:[1]' --payload '{}'"),
        (None, "waits"),
    ],
)
def test_a_state_of_an_entity_is_nothing_that_people_send(signal: str | None, words: str) -> None:
    assert Awaited(signal, None).sentence("ID") == words
