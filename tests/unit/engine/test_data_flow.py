"""What expressions give tasks: configs, conditions, and what happens where they have no value. Secrets stay secret."""

from collections.abc import AsyncIterator, Sequence

import orjson
import pytest

from app.domain.definitions import RetryPolicy
from app.domain.executions import Failure
from app.domain.handlers import Attempt, TaskError, Wait
from app.domain.json_values import MAX_DEPTH
from app.domain.states import ExecutionStatus
from tests.support.memory_house import House, Process
from tests.support.stories import sync
from tests.support.tenant import CALLER
from tests.support.vault import Vault

HEAVY = "${input.many.map(n, string(n) + (n == 2999 ? secrets.TOKEN : ''))}"
"""Takes more steps than are made where everything else waits."""

SOON = RetryPolicy(max_attempts=3, initial_interval_seconds=0)


class Waits:
    def wait(self, config):
        return Wait(seconds=config.get("seconds"), signal=config.get("signal"), output=config)


@pytest.fixture
def house() -> House:
    secrets = Vault(TOKEN="s3cr3t-token", OTHER="0ther-token")
    return House(handlers={"waits": Waits()}, secrets=secrets)


@pytest.fixture
async def process(house: House) -> AsyncIterator[Process]:
    async with house.process() as process:
        yield process


def staged(name: str, sequence: int = 0, **options):
    return sync(name, sequence, type="staged", **options)


async def ran(process: Process, workflow, **options) -> tuple[list[str], dict]:
    execution_id = await process.start(workflow, **options)
    seen = await process.until(execution_id)
    execution = await process.executions.get(CALLER, execution_id)
    return seen, orjson.loads(execution.output or "null") or {}


async def test_a_config_is_filled_in_when_the_task_runs(house: House, process: Process) -> None:
    config = {
        "url": "${vars.base}/orders/${input.order.id}",
        "whole": "${input.order}",
        "from": ["${tasks.fetch.output.rows[1]}", "${tasks['fetch'].status}"],
        "sum": "${input.order.id + size(tasks.fetch.output.rows)}",
        "plain": "$${input.order}",
        "who": "${execution.id} ${workflow.key} ${workflow.revision}",
        "n": 3,
    }
    workflow = await house.define(staged("fetch"), staged("use", config=config), variables={"base": "http://x"})
    execution_id = await process.start(workflow, input={"order": {"id": 7}})
    (await house.stage.entered("fetch")).succeed({"rows": ["a", {"b": None}]})
    use = await house.stage.entered("use")
    assert use.attempt.config == {
        "url": "http://x/orders/7",
        "whole": {"id": 7},
        "from": [{"b": None}, "completed"],
        "sum": 9,
        "plain": "${input.order}",
        "who": f"{execution_id} null 1",
        "n": 3,
    }
    use.succeed()
    assert (await process.until(execution_id))[-1] == "completed"


async def test_a_skipped_task_has_no_output_and_says_so(house: House, process: Process) -> None:
    config = {"output": {"value": "${tasks.a.output}", "status": "${tasks.a.status}"}}
    workflow = await house.define(sync("a", when="input.n > 3"), sync("b", config=config))
    seen, output = await ran(process, workflow, input={"n": 3})
    assert seen[2:] == ["a skipped", "b started", "b completed", "completed"]
    assert output == {"b": {"value": None, "status": "skipped"}}
    history = house.history(next(iter(house.database.executions)))
    assert history[2].data == '{"message":"its condition is false: input.n > 3"}'


async def test_a_task_runs_when_its_condition_is_true(house: House, process: Process) -> None:
    workflow = await house.define(sync("a", config={"output": 1}), sync("b", when="${tasks.a.output == 1}"))
    assert (await ran(process, workflow))[0][4:] == ["b started", "b completed", "completed"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config": {"output": "${input.missing}"}}, "${input.missing}: there is no 'missing'"),
        ({"when": "input.n / 0 == 1"}, "${input.n / 0 == 1}: division by zero"),
        ({"when": "input.n"}, "${input.n}: is neither true nor false"),
        ({"config": {"output": "${1 +}"}}, "${1 +}: is no expression: at column 4"),
        ({"config": {"output": "${secrets.UNSET}"}}, "${secrets.UNSET}: this secret is not set"),
        ({"config": {"output": "${secrets.OTHER}"}}, "${secrets.OTHER}: the workflow does not name this secret"),
        ({"config": {"output": "${tasks.later.output}"}}, "${tasks.later}: this task need not have ended before"),
    ],
)
async def test_an_expression_without_a_value_fails_the_task(house: House, process: Process, options, message) -> None:
    workflow = await house.define(sync("a", retry=SOON, **options), sync("later", 1), secrets=("UNSET",))
    execution_id = await process.start(workflow, input={"n": 1})
    assert (await process.until(execution_id))[2:] == ["a started", "a failed", "failed"]
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "expression_failed"
    assert message in failure.message


async def test_a_wait_is_filled_in_and_written_down(house: House, process: Process) -> None:
    workflow = await house.define(sync("a", type="waits", config={"seconds": "${input.seconds}"}))
    execution_id = await process.start(workflow, input={"seconds": 60})
    await process.until(execution_id, "a started")
    assert orjson.loads(house.history(execution_id)[2].data or "")["output"] == {"seconds": 60}
    wrong = await process.start(workflow, input={})
    assert (await process.until(wrong))[2:] == ["a started", "a failed", "failed"]


async def test_a_compensation_sees_what_it_undoes(house: House, process: Process) -> None:
    workflow = await house.define(
        staged("pay", compensate=("refund",)),
        staged("ship"),
        staged("refund", config={"receipt": "${tasks.pay.output.receipt}"}),
    )
    execution_id = await process.start(workflow)
    (await house.stage.entered("pay")).succeed({"receipt": "r-1"})
    (await house.stage.entered("ship")).fail()
    refund = await house.stage.entered("refund")
    assert refund.attempt.config == {"receipt": "r-1"}
    refund.succeed()
    assert (await process.until(execution_id))[-1] == "failed"


# Secrets


async def test_secrets_reach_the_task_and_nothing_else(house: House, process: Process) -> None:
    config = {"auth": "Bearer ${secrets.TOKEN}"}
    workflow = await house.define(staged("a", config=config, retry=SOON), secrets=("TOKEN",))
    execution_id = await process.start(workflow)
    first = await house.stage.entered("a")
    assert first.attempt.config == {"auth": "Bearer s3cr3t-token"}
    first.attempt.report(10, "using s3cr3t-token")
    await process.until(execution_id, "a progressed")
    first.fail(TaskError("refused", "401 for s3cr3t-token"))
    (await house.stage.entered("a", 2)).succeed({"echo": ["x s3cr3t-token", {"s3cr3t-token": 12345}], "n": 1.5})
    await process.until(execution_id)
    stored = " ".join(event.data or "" for event in house.history(execution_id))
    assert "s3cr3t" not in stored
    assert '{"echo":["x ***",{"***":12345}],"n":1.5}' in stored
    assert "401 for ***" in stored
    assert "using ***" in stored


async def test_a_handlers_own_error_is_masked_in_the_log_too(
    house: House, process: Process, capsys: pytest.CaptureFixture[str]
) -> None:
    workflow = await house.define(staged("a", config={"auth": "${secrets.TOKEN}"}), secrets=("TOKEN",))
    execution_id = await process.start(workflow)
    (await house.stage.entered("a")).fail(ValueError("bad header s3cr3t-token"))
    await process.until(execution_id)
    execution = await process.executions.get(CALLER, execution_id)
    assert execution.status is ExecutionStatus.FAILED
    assert execution.failure == Failure("handler_error", "task 'a' failed: ValueError: bad header ***")
    told = capsys.readouterr()
    assert "task_handler_failed" in told.out + told.err
    assert "s3cr3t-token" not in told.out + told.err


async def test_a_task_without_the_secret_returns_what_it_was_sent_back(house: House, process: Process) -> None:
    workflow = await house.define(staged("a"), secrets=("TOKEN",))
    execution_id = await process.start(workflow)
    (await house.stage.entered("a")).succeed("s3cr3t-token 0ther-token")
    await process.until(execution_id)
    output = (await process.executions.get(CALLER, execution_id)).output
    assert orjson.loads(output or "") == {"a": "*** 0ther-token"}, "only the secrets of this workflow are hidden"


STORED: list[tuple[dict, str]] = [
    ({"type": "waits", "config": {"signal": "go-${secrets.TOKEN}"}}, "config.signal"),
    ({"type": "waits", "config": {"x": {"y": ["a", "${secrets.TOKEN}"]}, "seconds": 1}}, "config.x.y[1]"),
    ({"type": "keeps", "config": {"input": "${url_encode(secrets.TOKEN + '/')}"}}, "config.input"),
    ({"type": "keeps", "config": {"input": {"a": "${item}"}}, "for_each": "[secrets.TOKEN]"}, "config.input.a"),
    ({"type": "keeps", "config": {"input": HEAVY}}, "config.input[2999]"),
]


class Keeps:
    stores_config = True

    def run_now(self, attempt: Attempt) -> object:
        raise AssertionError("it was called with a secret")


@pytest.mark.parametrize(("options", "path"), STORED)
async def test_a_revision_of_before_does_not_store_a_secret(options: dict, path: str) -> None:
    """Saving such a definition is refused today."""
    house = House(handlers={"waits": Waits(), "keeps": Keeps()}, secrets=Vault(TOKEN="s3cr3t-token"))
    async with house.process() as process:
        workflow = await house.define(sync("a", retry=SOON, **options), secrets=("TOKEN",))
        execution_id = await process.start(workflow, input={"many": list(range(3_000))})
        assert (await process.until(execution_id))[2:] == ["a started", "a failed", "failed"]
        failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "secret_would_be_stored"
    assert f"{path} contains a secret, and would be stored; use the secret in" in failure.message
    assert "s3cr3t" not in " ".join(event.data or "" for event in house.history(execution_id))


async def test_a_secret_that_cannot_be_used_fails_the_task_and_is_named(house: House, process: Process) -> None:
    house.secrets = Vault(PIN=None)
    async with house.process() as process:
        workflow = await house.define(staged("a", config={"pin": "${secrets.PIN}"}), secrets=("PIN",))
        execution_id = await process.start(workflow)
        assert (await process.until(execution_id))[-1] == "failed"
        failure = (await process.executions.get(CALLER, execution_id)).failure
    message = "${secrets.PIN}: secret 'PIN' has fewer than 4 characters"
    assert failure == Failure("expression_failed", f"task 'a' failed: {message}")


async def test_a_config_without_expressions_is_unescaped_too(house: House, process: Process) -> None:
    workflow = await house.define(sync("a", config={"output": "costs $${5}"}))
    assert (await ran(process, workflow))[1] == {"a": "costs ${5}"}


def nested(levels: int) -> object:
    return orjson.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize("levels", [MAX_DEPTH + 1, 253, 254, 900])
async def test_an_output_that_is_nested_too_deeply_fails_its_task(house: House, process: Process, levels: int) -> None:
    """At 253 levels the output was stored, and the next task's expression dropped the run again and again."""
    workflow = await house.define(staged("a"), staged("b", 1, config={"value": "${size(tasks.a.output)}"}))
    execution_id = await process.start(workflow)
    (await house.stage.entered("a")).succeed(nested(levels))
    assert (await process.until(execution_id))[-1] == "failed"
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "bad_output"
    assert f"must not be nested deeper than {MAX_DEPTH} levels" in failure.message


async def test_the_deepest_output_can_be_used(house: House, process: Process) -> None:
    config = {"text": "x ${tasks.a.output}", "list": "${[tasks.a.output]}", "same": "${tasks.a.output == [input.deep]}"}
    workflow = await house.define(staged("a"), staged("b", 1, config=config))
    execution_id = await process.start(workflow, input={"deep": nested(MAX_DEPTH - 1)})
    (await house.stage.entered("a")).succeed(nested(MAX_DEPTH))
    use = await house.stage.entered("b")
    assert use.attempt.config == {
        "text": "x " + "[" * MAX_DEPTH + "]" * MAX_DEPTH,
        "list": nested(MAX_DEPTH + 1),
        "same": True,
    }
    use.succeed()
    assert (await process.until(execution_id))[-1] == "completed"


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (nested(MAX_DEPTH + 1), "must not be nested deeper"),
        (nested(300), "must not be nested deeper"),
        ([float("nan")], "output[0]: must be a finite number"),
        ({"n": 2**64}, "output.n: must be an integer of at most 64 bits"),
        ("\x00", "output: must not contain the NUL character"),
        ({"a"}, "output: is a set, not a JSON value"),
    ],
)
async def test_a_wait_whose_output_cannot_be_stored_fails_its_task(output: object, said: str) -> None:
    house = House(handlers={"waits": Returns(output)})
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a", type="waits")))
        assert (await process.until(execution_id))[-1] == "failed"
        failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure is not None
    assert failure.code == "bad_output"
    assert said in failure.message


class Returns:
    def __init__(self, output: object) -> None:
        self._output = output

    def wait(self, config):
        return Wait(seconds=0, output=self._output)


class Raises:
    def wait(self, config):
        raise KeyError("a mistake in a plugin")


async def test_a_mistake_in_a_waiting_handler_fails_its_task_and_drops_no_run() -> None:
    house = House(handlers={"waits": Raises()})
    async with house.process() as process:
        execution_id = await process.start(await house.define(sync("a", type="waits")))
        assert (await process.until(execution_id))[-1] == "failed"
        failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure == Failure("handler_error", "task 'a' failed: KeyError: 'a mistake in a plugin'")


async def test_whatever_goes_wrong_while_an_attempt_is_prepared_fails_its_task(
    house: House, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RecursionError("a mistake in the engine")

    monkeypatch.setattr("app.engine.evaluating.begins.condition_holds", fail)
    execution_id = await process.start(await house.define(staged("a", when="true")))
    assert (await process.until(execution_id))[-1] == "failed"
    failure = (await process.executions.get(CALLER, execution_id)).failure
    assert failure == Failure("handler_error", "task 'a' failed: RecursionError: a mistake in the engine")


class BreakingVault:
    def __init__(self) -> None:
        self.is_broken = True

    def get(self, tenant: str, name: str) -> str:
        if self.is_broken:
            raise OSError("s3cr3t-token is no file")
        return "s3cr3t-token"

    def values(self, tenant: str, name: str) -> Sequence[str]:
        return (self.get(name),)


UNREADABLE = Failure(
    "secrets_unreadable",
    "task 'a' failed: the task's secrets cannot be read, so its outcome cannot be searched for them",
)


@pytest.mark.parametrize("fields", [{"config": {"value": "${secrets.TOKEN}"}}, {"when": "secrets.TOKEN == 'x'"}])
async def test_secrets_that_cannot_be_read_fail_their_task(fields: dict) -> None:
    house = House(secrets=BreakingVault())
    async with house.process() as process:
        execution_id = await process.start(await house.define(staged("a", **fields), secrets=("TOKEN",)))
        assert (await process.until(execution_id))[-1] == "failed"
        assert (await process.executions.get(CALLER, execution_id)).failure == UNREADABLE


@pytest.mark.parametrize("fields", [{}, {"for_each": "[1]"}])
async def test_an_output_is_not_stored_when_it_cannot_be_searched_for_secrets(fields: dict) -> None:
    vault = BreakingVault()
    vault.is_broken = False
    house = House(secrets=vault)
    async with house.process() as process:
        task = staged("a", config={"value": "${secrets.TOKEN}"}, **fields)
        execution_id = await process.start(await house.define(task, secrets=("TOKEN",)))
        entry = await house.stage.entered("a")
        vault.is_broken = True
        entry.succeed("s3cr3t-token")
        assert (await process.until(execution_id))[-1] == "failed"
        assert (await process.executions.get(CALLER, execution_id)).failure == UNREADABLE
    assert "s3cr3t-token" not in str(house.database.histories[execution_id])
