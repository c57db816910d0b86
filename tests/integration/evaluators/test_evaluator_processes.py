"""Evaluator processes: real ones, which end when a job takes too much, and are replaced."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.adapters.evaluators.pool import MAX_JOB_BYTES, EvaluatorPool
from app.adapters.evaluators.process import ProcessLimits
from app.contracts.contract import Contract
from app.domain.definitions import TaskDraft
from app.domain.payloads import Payload
from app.domain.shares import Group
from app.engine.evaluating.jobs import MAX_ANSWER_BYTES, flow_job, perform, schema_job, value_of
from app.engine.evaluating.ports import TOO_COSTLY, UNAVAILABLE, EvaluatorError
from app.engine.planning.data_flow import compile_flow
from tests.support.tenant import place_of_secret

ONE = Group(1, 1)

MEGABYTES = 1 << 20
LIMITS = ProcessLimits(deadline_seconds=5.0, memory_bytes=512 * MEGABYTES)
LONG = "input.l.map(x, input.l.map(y, x + y)).size()"


@asynccontextmanager
async def pool(
    processes: int = 1, most_waiting: int = 10, limits: ProcessLimits = LIMITS
) -> AsyncIterator[EvaluatorPool]:
    made = EvaluatorPool(processes, most_waiting, limits)
    try:
        yield made
    finally:
        await made.close()


def job(expression: str, input: Any) -> Callable[[], bytes]:
    task = TaskDraft("a", type="log", config={"x": f"${{{expression}}}"})
    scope = {"input": input, "tasks": {}, "vars": {}, "secrets": {}, "execution": {}, "workflow": {}}
    return lambda: flow_job("begin", task.config, compile_flow(task), scope)


async def test_a_process_gives_the_same_answers_as_this_one() -> None:
    jobs = [job("input.a + 1", {"a": 1}), job("input.a / 0", {"a": 1}), job("input.a", {"a": "é" * 100_000})]
    async with pool() as evaluators:
        assert [await evaluators.answer(one, ONE) for one in jobs] == [perform(one()) for one in jobs]
        assert len(evaluators.ready) == 1, "one process makes one evaluation after another"


async def test_a_schema_is_checked_there_too() -> None:
    contract = Contract({"items": {"anyOf": [{"const": n} for n in range(3_000)]}})
    one = lambda: schema_job(contract, Payload("[1, 2, 3000]"), "input")  # noqa: E731
    async with pool() as evaluators:
        [[path, message]] = value_of(await evaluators.answer(one, ONE))
    assert path == "input[2]"
    assert "3000 is not valid under any of the" in message


async def test_at_the_deadline_the_process_ends_and_another_one_takes_its_place() -> None:
    limits = ProcessLimits(deadline_seconds=0.01, memory_bytes=512 * MEGABYTES)
    async with pool(limits=limits) as evaluators:
        await evaluators.answer(job("1", {}), ONE)
        [first] = evaluators.ready
        with pytest.raises(EvaluatorError, match="was stopped after 10 ms of processor time, the limit") as stopped:
            await evaluators.answer(job(LONG, {"l": list(range(900))}), ONE)
        assert stopped.value.reason == TOO_COSTLY
        assert evaluators.ready == []
        assert value_of(await evaluators.answer(job("1", {}), ONE))["config"] == {"x": 1}
        assert evaluators.ready != [first]


async def test_native_code_is_stopped_as_well() -> None:
    # All of the time goes into one call of a native library, which no signal handler of Python could end.
    contract = Contract({"items": {"anyOf": [{"const": [n]} for n in range(3_000)]}})
    one = lambda: schema_job(contract, Payload("[" + ",".join(["[2999]"] * 6_000) + "]"), "input")  # noqa: E731
    limits = ProcessLimits(deadline_seconds=0.1, memory_bytes=512 * MEGABYTES)
    async with pool(limits=limits) as evaluators:
        with pytest.raises(EvaluatorError, match="100 ms of processor time"):
            await evaluators.answer(one, ONE)


async def test_a_process_that_was_killed_costs_no_answer() -> None:
    async with pool() as evaluators:
        await evaluators.answer(job("1", {}), ONE)
        [first] = evaluators.ready
        os.kill(first, signal.SIGKILL)
        assert value_of(await evaluators.answer(job("2", {}), ONE))["config"] == {"x": 2}
        assert evaluators.ready != [first]


async def test_memory_is_bounded() -> None:
    # Three bytes of text for each list, which takes more than 100 bytes of memory.
    lists = orjson.Fragment("[" + ",".join(["[]"] * (5 * MEGABYTES)) + "]")
    # A slow machine must come to the limit of memory first.
    async with pool(limits=replace(LIMITS, deadline_seconds=60.0)) as evaluators:
        with pytest.raises(EvaluatorError, match="memory") as refused:
            value_of(await evaluators.answer(job("input.l.size()", {"l": lists}), ONE))
        assert refused.value.reason == TOO_COSTLY
        assert value_of(await evaluators.answer(job("1", {}), ONE))["config"] == {"x": 1}


async def test_a_job_and_an_answer_have_a_limit() -> None:
    async with pool() as evaluators:
        with pytest.raises(EvaluatorError, match=f"the limit is {MAX_JOB_BYTES}"):
            await evaluators.answer(job("1", {"t": "x" * MAX_JOB_BYTES}), ONE)
        with pytest.raises(EvaluatorError, match=f"the limit for a large evaluation is {MAX_ANSWER_BYTES}"):
            value_of(await evaluators.answer(job("input.t", {"t": "x" * MAX_ANSWER_BYTES}), ONE))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_a_process_has_no_environment_and_few_rights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+asyncpg://me:s3cr3t@host/db")
    monkeypatch.setenv(place_of_secret("TOKEN").variable, "s3cr3t")
    async with pool() as evaluators:
        await evaluators.answer(job("1", {}), ONE)
        [pid] = evaluators.ready
        names = {entry.partition(b"=")[0] for entry in _proc(pid, "environ").split(b"\0") if entry}
        limits = {line.rsplit(maxsplit=3)[0]: line for line in _proc(pid, "limits").decode().splitlines()}
        files = os.listdir(f"/proc/{pid}/fd")
    assert names - {b"LC_CTYPE"} == {b"PYTHONPATH"}
    assert str(512 * MEGABYTES) in limits["Max address space"]
    assert {" 0 " in limits[name] for name in ("Max file size", "Max core file size", "Max processes")} == {True}
    assert sorted(files) == ["0", "1", "2"], "no connection to the database, no file of the service"


async def test_a_process_ends_with_the_service() -> None:
    async with pool() as evaluators:
        await evaluators.answer(job("1", {}), ONE)
        [process] = evaluators._ready
        process._writer.close()  # what the kernel does when the service dies
        assert await asyncio.wait_for(asyncio.to_thread(process._process.wait), 10) == 0


async def test_too_many_who_wait_are_refused() -> None:
    async with pool(most_waiting=4) as evaluators:
        answers = [
            asyncio.create_task(evaluators.answer(job("1", {}), Group(1, workflow))) for workflow in (1, 1, 1, 2)
        ]
        await asyncio.sleep(0)
        with pytest.raises(EvaluatorError, match="1 evaluations wait already, 1 of them of this workflow") as refused:
            await answers[2]
        assert refused.value.reason == UNAVAILABLE
        for answer in (answers[0], answers[1], answers[3]):
            assert value_of(await answer)["config"] == {"x": 1}


async def test_without_a_program_there_is_no_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    async with pool() as evaluators:
        with pytest.raises(EvaluatorError, match="no evaluator process can be started") as refused:
            await evaluators.answer(job("1", {}), ONE)
    assert refused.value.reason == UNAVAILABLE


async def test_a_program_that_ends_before_it_is_ready_blames_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.adapters.evaluators.process.PROGRAM", "no.such.module")
    async with pool() as evaluators:
        with pytest.raises(EvaluatorError, match="can be started: the evaluator process ended with 1") as refused:
            await evaluators.answer(job("1", {}), ONE)
    assert refused.value.reason == UNAVAILABLE


FORKS = """
import asyncio, ctypes, uvloop
from app.adapters.evaluators.process import EvaluatorProcess, ProcessLimits

forks = []
note = ctypes.CFUNCTYPE(None)(lambda: forks.append(1))
ctypes.CDLL(None)["__register_atfork"](note, None, None, None)

async def main():
    await (await EvaluatorProcess.start(ProcessLimits(5.0, 1 << 29))).end()

uvloop.run(main())
print(len(forks))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks the C library of Linux")
async def test_no_process_is_forked_because_grpc_crashes_it() -> None:
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", FORKS, stdout=asyncio.subprocess.PIPE)
    output, _ = await program.communicate()
    assert (program.returncode, output) == (0, b"0\n")


def _proc(pid: int, name: str) -> bytes:
    return Path(f"/proc/{pid}/{name}").read_bytes()
