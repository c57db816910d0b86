"""Each statement of the recorder gets as many arguments as it has parameters, of their types, and uses all of them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from app.adapters.database import families
from app.adapters.database.recording import PostgresRecording
from app.domain.executions import Parent
from app.domain.payloads import Payload
from app.engine.ports import ChildOpening, EntityChange, FamilyChange, Opening, Parking, Step
from tests.support.histories import BEGUN, CREATED, STARTED, at, completed, end, note

OLD, NEW, CHILD = (uuid4() for _ in range(3))
OPENING = Opening(workflow_id=1, revision=2, input=Payload("{}"), created_at=at(0), idempotency_key="key")
OPENED = Step(NEW, (CREATED, STARTED), OPENING, BEGUN)
ENDED = Step(OLD, [completed(4)], change=end(4))
NOTED = Step(OLD, [note(3)])
PARKED = Step(OLD, (), parking=Parking(None))
BORN = ChildOpening(CHILD, OPENING, Parent(OLD, 1, 0, OLD, 1))
FAMILY = FamilyChange(openings=[BORN], told=CHILD, stopped={CHILD: "no longer needed"}, ends=True)
BATCHES = {
    "events": [NOTED],
    "ends": [ENDED],
    "openings": [OPENED],
    "openings and ends": [OPENED, ENDED],
    "apart": [PARKED],
    "apart, with all": [OPENED, Step(OLD, [note(3)], change=BEGUN, done_commands=[1]), PARKED],
    "families": [Step(OLD, [note(3)], family=FAMILY)],
    "families, with nothing of their own": [Step(OLD, (), parking=Parking(None, in_family=True))],
    "ends and waits of entities": [Step(OLD, [completed(4)], change=end(4), entities=EntityChange(True, ("w",)))],
}
TYPES = {
    "uuid": UUID,
    "int": int,
    "smallint": int,
    "bigint": int,
    "float8": float,
    "text": str,
    "bytea": bytes,
    "timestamptz": datetime,
}


@dataclass
class Asked:
    """A connection that notes what it is asked. Nothing is stored `together`."""

    answers: Sequence[Any] = ((False,),)
    calls: list[tuple[str, Sequence[Any]]] = field(default_factory=list)

    async def fetch(self, query: str, *arguments: Any) -> Any:
        self.calls.append((query, arguments))
        return self.answers if "SELECT open" in query else []


def check(query: str, arguments: Sequence[Any]) -> None:
    text = re.sub("--.*", "", query)
    numbers = {int(number) for number in re.findall(r"\$(\d+)", text)}
    assert numbers == set(range(1, len(arguments) + 1))
    for number, kind, is_list in re.findall(r"\$(\d+)::(\w+)(\[\])?", text):
        value = arguments[int(number) - 1]
        for one in value if is_list else [value]:
            assert one is None or isinstance(one, TYPES[kind]), f"${number} is {kind}, and gets {one!r}"


@pytest.mark.parametrize("steps", BATCHES.values(), ids=BATCHES)
async def test_steps(steps: Sequence[Step]) -> None:
    """What cannot be stored together is stored apart in the same call."""
    session = Asked()
    recording = PostgresRecording(session)
    await recording.record(7, steps)
    await recording.stored(steps)
    assert len(session.calls) >= 2
    for query, arguments in session.calls:
        check(query, arguments)


@pytest.mark.parametrize("tenant_id", [None, 7])
async def test_those_who_are_woken(tenant_id: int | None) -> None:
    session = Asked()
    await families.make_due(session, [OLD], tenant_id)
    [(query, arguments)] = session.calls
    check(query, arguments)


async def test_the_lists_of_one_row_have_one_length() -> None:
    """What is unnested together belongs together: the lists of one source of rows are as long as each other."""
    session = Asked()
    await PostgresRecording(session).record(7, [OPENED, *BATCHES["families"], ENDED])
    [(query, arguments)] = [call for call in session.calls if call[0] == families.RECORD]
    sources = re.findall(r"unnest\(((?:\$\d+::[\w\[\]]+,?\s*)+)\)", query)
    assert len(sources) >= 8
    for source in sources:
        values = [arguments[int(number) - 1] for number in re.findall(r"\$(\d+)", source)]
        assert len({len(value) for value in values}) == 1, source
