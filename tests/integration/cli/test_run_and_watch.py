import json

import grpc
import pytest

from app.api.grpc.generated import workflow_pb2 as pb
from app.client import follower as following
from tests.support.scripted_service import (
    EXECUTION,
    ScriptedService,
    holds,
    plays,
    refuses,
    serve,
    update,
    whole_history,
)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch):
    """The pauses between tries, a hundred times shorter."""
    pause = following.Patience.pause
    monkeypatch.setattr(following.Patience, "pause", lambda self, tries: pause(self, tries) / 100)


def numbers(stdout: str) -> list[int]:
    return [json.loads(line)["sequence"] for line in stdout.splitlines()]


@pytest.mark.parametrize(("final", "code"), [("COMPLETED", 0), ("FAILED", 1), ("CANCELLED", 1)])
def test_the_exit_code_tells_the_outcome(grpc_service: ScriptedService, workflow, final: str, code: int):
    grpc_service.scenes = [plays(*whole_history(final))]
    result = workflow("run", "orders")
    assert result.exit_code == code
    assert len([line for line in result.stdout.splitlines() if "%" in line]) == 10
    assert result.stderr == ""


def test_run_sends_what_was_typed(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(*whole_history()), plays(*whole_history())]
    workflow("run", "orders", "-p", "day=monday", "-p", "limit=3", "--idempotency-key", "k1")
    workflow("run", "7", "--input", '{"limit": 3}')
    first, second = grpc_service.requests
    assert (first.workflow_id, first.parameters, first.idempotency_key) == (
        "orders",
        {"day": "monday", "limit": "3"},
        "k1",
    )
    assert (second.workflow_id, second.input) == ("7", '{"limit": 3}')


def test_quiet_prints_the_id_only(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(*whole_history())]
    result = workflow("run", "orders", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (0, f"{EXECUTION}\n", "")


def test_a_broken_stream_is_followed_on_from_the_last_entry(grpc_service: ScriptedService, workflow):
    entries = whole_history()
    grpc_service.scenes = [
        plays(*entries[:4], then=grpc.StatusCode.UNAVAILABLE),
        plays(then=grpc.StatusCode.UNAVAILABLE),
        plays(*entries[4:6], then=grpc.StatusCode.CANCELLED),
        plays(*entries[6:8]),  # closed without an error, but too early
        plays(*entries[6:]),  # repeats what came already
    ]
    result = workflow("run", "orders", "--json")
    assert result.exit_code == 0
    assert numbers(result.stdout) == list(range(1, 11))
    assert [call.after_sequence for call in grpc_service.requests[1:]] == [4, 4, 6, 8]
    assert {call.execution_id for call in grpc_service.requests[1:]} == {EXECUTION}
    assert result.stderr.splitlines()[0] == "connection lost after entry 4; trying again"


def test_a_server_that_closes_the_stream_and_then_is_silent_is_followed_on(grpc_service: ScriptedService, workflow):
    grpc_service.status = None
    grpc_service.scenes = [plays(*whole_history()[:4]), plays(*whole_history()[4:])]
    result = workflow("run", "orders", "--json")
    assert (result.exit_code, numbers(result.stdout)) == (0, list(range(1, 11)))


def test_a_server_that_stops_and_comes_back_is_followed_on(grpc_service: ScriptedService, workflow):
    entries = whole_history()
    other = ScriptedService()
    other.scenes = [holds(*entries[:3])]
    server = serve(other)
    port = int(other.target.rpartition(":")[2])
    back = ScriptedService()
    back.scenes = [plays(*entries[3:])]
    servers = []

    def restart(self: following.Patience, silent_tries: int) -> float:
        if silent_tries == 2:
            servers.append(serve(back, port))
        return 0.05

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following.Patience, "pause", restart)
        patch.setattr(following, "entry_of", stopping_at(3, server))
        result = workflow("run", "orders", "--json", "--grpc-target", other.target)
    servers[0].stop(grace=None).wait()
    assert result.exit_code == 0
    assert numbers(result.stdout) == list(range(1, 11))


def stopping_at(sequence: int, server: grpc.Server):
    """Reads an entry; after the numbered one the server is gone."""
    read = following.entry_of

    def entry_of(message: pb.WorkflowExecutionUpdate):
        if message.sequence == sequence:
            server.stop(grace=None).wait()
        return read(message)

    return entry_of


def test_a_stream_over_the_limit_is_opened_again_when_the_service_says(grpc_service: ScriptedService, workflow):
    entries, paused = whole_history(), list[float]()
    too_often = refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many requests", "rate_limited", wait=12)
    grpc_service.scenes = [plays(*entries[:4], then=grpc.StatusCode.UNAVAILABLE), too_often, plays(*entries[4:])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(following.time, "sleep", paused.append)
        result = workflow("run", "orders", "--json")
    assert (result.exit_code, numbers(result.stdout)) == (0, list(range(1, 11)))
    assert paused[1] == 12


def test_a_start_over_the_limit_is_a_sentence(grpc_service: ScriptedService, workflow):
    message = "key:Xk3vT9aB has made too many requests in a minute; the limit is 6000; try again in 12 s"
    grpc_service.scenes = [refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, message, "rate_limited", wait=12)]
    result = workflow("run", "orders")
    assert (result.exit_code, len(grpc_service.requests)) == (2, 1)
    assert result.stderr == (
        f"error: {message}; an admin can make a key with another limit: `workflow auth keys create --per-minute N`\n"
    )


def test_a_start_without_an_answer_is_repeated_with_the_same_key(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(then=grpc.StatusCode.UNAVAILABLE), plays(*whole_history())]
    assert workflow("run", "orders").exit_code == 0
    first, second = grpc_service.requests
    assert first == second
    assert first.idempotency_key


def test_a_start_that_stays_unanswered_tells_how_to_find_out(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(then=grpc.StatusCode.UNAVAILABLE)] * 3
    result = workflow("run", "orders", "--idempotency-key", "k1")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "the service does not answer at" in result.stderr
    assert result.stderr.rstrip().endswith("repeat the command with --idempotency-key k1")


def test_patience_ends_and_tells_how_to_go_on(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(*whole_history()[:2]), *[plays()] * 20]
    result = workflow("run", "orders")
    assert result.exit_code == 2
    assert len(grpc_service.requests) == 1 + following.Patience().later_tries
    assert "closes the stream before the execution has ended" in result.stderr
    assert result.stderr.rstrip().endswith(f"workflow watch {EXECUTION} --after 2")


def test_every_new_entry_renews_patience(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(update(number)) for number in range(1, 30)] + [plays(update(30, "COMPLETED"))]
    result = workflow("watch", EXECUTION, "--json")
    assert result.exit_code == 0
    assert numbers(result.stdout) == list(range(1, 31))


def test_an_error_of_the_service_itself_is_not_tried_again(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(then=grpc.StatusCode.INTERNAL)]
    result = workflow("run", "orders")
    assert (result.exit_code, result.stderr) == (
        2,
        f"error: the call to the service at {grpc_service.target} failed: as the script says\n",
    )


def test_watch_begins_where_it_is_told(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [plays(*whole_history()[7:])]
    result = workflow("watch", EXECUTION, "--after", "7", "--json")
    assert (result.exit_code, numbers(result.stdout)) == (0, [8, 9, 10])
    assert grpc_service.requests[0].after_sequence == 7


@pytest.mark.parametrize(("status", "code"), [("COMPLETED", 0), ("FAILED", 1)])
def test_watch_after_the_end_tells_the_end(grpc_service: ScriptedService, workflow, status: str, code: int):
    grpc_service.scenes = [plays()]
    grpc_service.status = pb.WorkflowStatusResponse(execution_id=EXECUTION, status=status, last_sequence=10)
    result = workflow("watch", EXECUTION, "--after", "10")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"nothing after entry 10: the execution is {status.lower()}\n"


@pytest.mark.parametrize(
    ("scene", "sentence"),
    [
        (
            refuses(grpc.StatusCode.NOT_FOUND, "workflow 'orders' does not exist", "workflow_not_found"),
            "error: workflow 'orders' does not exist; `workflow workflows` lists what there is\n",
        ),
        (
            refuses(
                grpc.StatusCode.INVALID_ARGUMENT, "input.day: is required", "invalid", **{"input.day": "is required"}
            ),
            "error: the service refuses the request\n  input.day: is required\n",
        ),
        (
            refuses(grpc.StatusCode.RESOURCE_EXHAUSTED, "input has 9 bytes; the limit is 2 bytes", "too_large"),
            "error: input has 9 bytes; the limit is 2 bytes\n",
        ),
        (plays(then=grpc.StatusCode.UNIMPLEMENTED), "is not this workflow service; check --grpc-target\n"),
        (plays(then=grpc.StatusCode.NOT_FOUND), " failed: as the script says\n"),
    ],
)
def test_refusals_are_sentences(grpc_service: ScriptedService, workflow, scene, sentence: str):
    grpc_service.scenes = [scene]
    result = workflow("run", "orders")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.endswith(sentence)


def test_a_service_that_cannot_answer_now_says_so(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [refuses(grpc.StatusCode.UNAVAILABLE, "the database does not answer", "unavailable")] * 3
    result = workflow("watch", EXECUTION)
    assert result.exit_code == 2
    assert "cannot answer now: the database does not answer; try again shortly" in result.stderr


def test_refusal_in_the_middle_ends_the_command(grpc_service: ScriptedService, workflow):
    grpc_service.scenes = [
        plays(*whole_history()[:2]),
        refuses(grpc.StatusCode.NOT_FOUND, "execution does not exist", "execution_not_found"),
    ]
    result = workflow("run", "orders")
    assert result.exit_code == 2
    assert "execution does not exist; `workflow list` lists what there is" in result.stderr


def test_quiet_and_json_do_not_go_together(workflow):
    assert workflow("run", "orders", "--quiet", "--json").exit_code == 2
