"""What is sent fits into the smallest message that a client takes by default."""

from dataclasses import replace
from uuid import UUID

import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.messages import page_message, status_message, summary_message
from app.api.grpc.requests import MAX_PAGE
from app.domain.executions import Execution, Failure
from app.domain.payloads import Payload
from app.domain.states import ExecutionStatus
from app.engine.deciding.event_data import LONGEST_MESSAGE
from app.engine.identifiers import new_execution_id
from app.engine.service import ExecutionPage
from tests.support.histories import at

DEFAULT_LIMIT = 4 * 1024 * 1024
FAILED = Execution(
    new_execution_id(),
    1,
    2**62,
    1,
    ExecutionStatus.FAILED,
    Payload("{}"),
    at(0),
    at(1),
    at(2),
    failure=Failure("http_status", "\U0001f600" * LONGEST_MESSAGE),
)


def test_a_page_of_long_failures_fits() -> None:
    page = pb.ListExecutionsResponse(executions=[summary_message(FAILED)] * MAX_PAGE, next_page_token=str(FAILED.id))
    assert page.ByteSize() < DEFAULT_LIMIT
    assert page.executions[0].error.code == "http_status"
    assert page.executions[0].error.message.endswith("…")


@pytest.mark.parametrize("limit", [65_536, DEFAULT_LIMIT])
def test_a_page_is_cut_where_the_message_is_full_and_its_token_leads_to_the_rest(limit: int) -> None:
    failure = Failure("\U0001f600" * LONGEST_MESSAGE, "\U0001f600" * LONGEST_MESSAGE)
    stored = [replace(FAILED, id=UUID(int=number), failure=failure) for number in range(MAX_PAGE)]
    seen, pages, rest = [], 0, stored
    while rest:
        page = page_message(ExecutionPage(rest, None), limit)
        assert page.ByteSize() <= limit
        seen += [summary.execution_id for summary in page.executions]
        pages += 1
        if not page.next_page_token:
            break
        rest = stored[[str(execution.id) for execution in stored].index(page.next_page_token) + 1 :]
    assert seen == [str(execution.id) for execution in stored]
    assert (pages > 1) is (limit == 65_536)


def test_a_page_of_one_execution_too_many_bytes_long_is_returned_all_the_same() -> None:
    page = page_message(ExecutionPage([FAILED, FAILED], None), 1_100)
    assert (len(page.executions), page.next_page_token) == (1, str(FAILED.id))


def test_one_execution_tells_all_of_its_failure() -> None:
    assert FAILED.failure is not None
    assert status_message(FAILED, None).error.message == FAILED.failure.message
