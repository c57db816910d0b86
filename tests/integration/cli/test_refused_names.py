"""A name that the service does not know: the command says which names are near."""

from pathlib import Path

import grpc
import pytest

from tests.support.rest_stand_in import RestStandIn
from tests.support.scripted_service import EXECUTION, ScriptedService, refuses

UNKNOWN = refuses(grpc.StatusCode.NOT_FOUND, "workflow 'ordres' does not exist", "workflow_not_found")
NO_TASK = "no task of the execution's revision 3 is named 'laod'"


@pytest.fixture
def orders(rest_service: RestStandIn) -> None:
    rest_service.workflows = {key: {"id": n, "key": key} for n, key in enumerate(("orders", "imports", "7"), start=1)}


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("words", [["run", "ordres"], ["list", "--workflow", "ordres"]], ids=" ".join)
def test_a_mistyped_workflow_over_grpc(grpc_service: ScriptedService, workflow, words: list[str]):
    grpc_service.scenes = grpc_service.list_scenes = [UNKNOWN]
    result = workflow(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: workflow 'ordres' does not exist; did you mean 'orders'?\n"


def test_without_a_near_name_or_a_rest_service_there_is_the_list(grpc_service: ScriptedService, workflow):
    for words in (["run", "ordres"], ["run", "ordres", "--rest-url", "http://127.0.0.1:1"]):
        grpc_service.scenes = [UNKNOWN]
        assert workflow(*words).stderr == (
            "error: workflow 'ordres' does not exist; `workflow workflows` lists what there is\n"
        )


@pytest.mark.parametrize(
    "words",
    [
        ["export", "ordres"],
        ["revisions", "ordres"],
        ["restore", "ordres", "1"],
        ["schedule", "create", "ordres", "--in", "1h"],
    ],
    ids=" ".join,
)
async def test_a_mistyped_workflow_over_rest(command, tmp_path: Path, words: list[str]):
    (tmp_path / "orders.yaml").write_text("key: orders\nname: Orders\n")
    await command("apply", tmp_path)
    result = await command(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: workflow 'ordres' does not exist; did you mean 'orders'?\n"


@pytest.mark.parametrize("words", [["show"], ["pause"], ["resume"], ["delete"]], ids=" ".join)
async def test_a_mistyped_schedule(command, tmp_path: Path, words: list[str]):
    (tmp_path / "orders.yaml").write_text("key: orders\nname: Orders\n")
    await command("apply", tmp_path)
    await command("schedule", "create", "orders", "--in", "1h", "--key", "nightly")
    result = await command("schedule", *words, "nighly")
    assert result.stderr == "error: schedule 'nighly' does not exist; did you mean 'nightly'?\n"


@pytest.mark.parametrize("words", [["skip", EXECUTION, "laod"], ["rerun", EXECUTION, "--from", "laod"]], ids=" ".join)
def test_a_mistyped_task(grpc_service: ScriptedService, rest_service: RestStandIn, workflow, words: list[str]):
    rest_service.tasks[EXECUTION] = [{"name": "read"}, {"name": "load"}]
    for _ in range(2):
        grpc_service.scenes = [refuses(grpc.StatusCode.INVALID_ARGUMENT, NO_TASK, "invalid", task=NO_TASK)]
        result = workflow(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        suggestion = "; did you mean 'load'?" if rest_service.tasks else ""
        assert result.stderr == f"error: the service refuses the request\n  task: {NO_TASK}{suggestion}\n"
        rest_service.tasks.clear()
