"""Each failed attempt and each failed execution is one line of the log; success, and what was asked for, is none."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.definitions import OnFailure, RetryPolicy
from app.domain.documents import rfc3339
from app.domain.handlers import Attempt, TaskError
from app.engine.running.failure_log import LONGEST_REASON
from tests.support.histories import NOON
from tests.support.memory_house import House, Process
from tests.support.stories import sync
from tests.support.tenant import CALLER
from tests.support.vault import Vault

SECRET = "s3cr3t-token"
ONCE_MORE = RetryPolicy(max_attempts=2, initial_interval_seconds=0)


class Fails:
    """Fails with the error that its config names."""

    def run_now(self, attempt: Attempt) -> Any:
        raise TaskError("broken", str(attempt.config.get("message", "it broke")))


class Crashes:
    async def run(self, attempt: Attempt) -> Any:
        raise ValueError(f"cannot use {attempt.config['auth']}")


@pytest.fixture
def house() -> House:
    return House(handlers={"fails": Fails(), "crashes": Crashes()}, secrets=Vault(TOKEN=SECRET))


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def failures(logs: list[Any]) -> list[Any]:
    return [line for line in logs if line["event"] in ("attempt_failed", "execution_failed")]


async def test_each_failed_attempt_and_the_failed_execution_are_one_line_each(house: House, process: Process) -> None:
    workflow = await house.define(sync("a"), sync("b", 1, type="fails", retry=ONCE_MORE), key="orders")
    with capture_logs() as logs:
        execution_id = await process.start(workflow)
        await process.until(execution_id)
    about = {"execution_id": str(execution_id), "workflow": "orders@1", "code": "broken"}
    first, second, whole = failures(logs)
    assert first.pop("retry_at") == rfc3339(NOON)
    assert first == {
        **about, "event": "attempt_failed", "log_level": "info", "task": "b", "attempt": 1, "reason": "it broke",
    }  # fmt: skip
    assert second == first | {"log_level": "warning", "attempt": 2}
    assert whole == {
        **about, "event": "execution_failed", "log_level": "warning", "reason": "task 'b' failed: it broke",
    }  # fmt: skip


async def test_a_workflow_without_a_key_is_named_by_its_id(house: House, process: Process) -> None:
    with capture_logs() as logs:
        await process.until(await process.start(await house.define(sync("a", type="fails"))))
    assert {line["workflow"] for line in failures(logs)} == {"1@1"}


async def test_a_failure_that_the_definition_expects_is_no_warning(house: House, process: Process) -> None:
    workflow = await house.define(sync("a", type="fails", on_failure=OnFailure.CONTINUE))
    with capture_logs() as logs:
        assert (await process.until(await process.start(workflow)))[-1] == "completed"
    assert [(line["event"], line["log_level"]) for line in failures(logs)] == [("attempt_failed", "info")]


async def test_success_and_a_cancel_write_nothing(house: House, process: Process) -> None:
    with capture_logs() as logs:
        await process.until(await process.start(await house.define(sync("a"))))
        cancelled = await process.start(await house.define(sync("b", type="staged")))
        await house.stage.entered("b")
        await process.controls.cancel(CALLER, cancelled, "enough")
        assert (await process.until(cancelled))[-1] == "cancelled"
    assert failures(logs) == []


async def test_an_attempt_that_is_lost_with_its_engine_is_a_line_of_the_next_engine(house: House) -> None:
    async with house.process(name="first") as first:
        execution_id = await first.start(await house.define(sync("a", type="staged")))
        await house.stage.entered("a")
        await first.kill()
        house.clock.advance(60)
        with capture_logs() as logs:
            async with house.process(name="second") as second:
                (await house.stage.entered("a", 2)).succeed()
                await second.until(execution_id)
    [line] = failures(logs)
    assert (line["code"], line["log_level"], line["attempt"]) == ("engine_lost", "info", 1)


@pytest.mark.parametrize("for_each", [None, "[1, 2]"])
@pytest.mark.parametrize("type", ["fails", "crashes"])
async def test_no_line_has_a_secret_in_it(house: House, process: Process, type: str, for_each: str | None) -> None:
    config = {"auth": "Bearer ${secrets.TOKEN}", "message": "refused: ${secrets.TOKEN}"}
    workflow = await house.define(sync("a", type=type, config=config, for_each=for_each), secrets=("TOKEN",))
    with capture_logs() as logs:
        assert (await process.until(await process.start(workflow)))[-1] == "failed"
    assert len(failures(logs)) == 2
    assert all("***" in line["reason"] for line in failures(logs))
    assert SECRET not in repr(logs)


async def test_a_long_reason_is_cut_in_the_log_and_whole_in_the_history(house: House, process: Process) -> None:
    workflow = await house.define(sync("a", type="fails", config={"message": "x" * 5_000}))
    with capture_logs() as logs:
        execution_id = await process.start(workflow)
        await process.until(execution_id)
    assert [len(line["reason"]) for line in failures(logs)] == [LONGEST_REASON, LONGEST_REASON]
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert len(failure.message) > 5_000
