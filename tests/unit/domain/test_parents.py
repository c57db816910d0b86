"""Who has started an execution: read from its key, which is written in one place."""

from uuid import UUID

import pytest

from app.domain.executions import Execution
from app.domain.handlers import Attempt
from app.domain.parents import Parent, child_key, parent_of
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from tests.support.histories import NOON

PARENT = UUID("0197a3c4-5d2e-7c1a-9f3b-2a6f0c9d8e71")


def with_key(key: str | None) -> Execution:
    return Execution(UUID(int=1), 1, 1, ExecutionStatus.PENDING, Payload("{}"), NOON, idempotency_key=key)


@pytest.mark.parametrize("place", [{}, {"visit": 3}, {"element": 12}, {"visit": 2, "element": 0}])
def test_the_key_of_a_child_names_its_parent(place: dict[str, int]) -> None:
    attempt = Attempt(PARENT, 1, 42, "call", 1, {}, {}, {}, NOON, None, lambda *_: None, **place)
    assert parent_of(with_key(child_key(attempt.task_key, 5))) == Parent(PARENT, 42)


@pytest.mark.parametrize(
    "key",
    [None, "", "order 7", "child:", f"child:{PARENT}", f"child:{PARENT}/", f"child:{PARENT}/a:1", f"child:{PARENT}/1",
     f"retry:{PARENT}", f"child:{'0' * 36}/1:1", f"child:{PARENT}/{'9' * 30}:1", f" child:{PARENT}/1:1"],
)  # fmt: skip
def test_other_keys_name_none(key: str | None) -> None:
    assert parent_of(with_key(key)) is None
