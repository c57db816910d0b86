"""What is sent fits into the smallest message that a client takes by default."""

from app.api.grpc.generated import workflow_pb2 as pb
from app.api.grpc.messages import status_message, summary_message
from app.api.grpc.servicer import MAX_PAGE
from app.domain.executions import Execution, Failure
from app.domain.states import ExecutionStatus
from app.engine.deciding.drafts import LONGEST_MESSAGE
from app.engine.identifiers import new_execution_id
from tests.support.histories import at

DEFAULT_LIMIT = 4 * 1024 * 1024
FAILED = Execution(
    new_execution_id(),
    2**62,
    1,
    ExecutionStatus.FAILED,
    "{}",
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


def test_one_execution_tells_all_of_its_failure() -> None:
    assert FAILED.failure is not None
    assert status_message(FAILED, None).error.message == FAILED.failure.message
