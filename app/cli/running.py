"""`workflow run` and `workflow watch`: one follower, one drawing, one exit code."""

from enum import Enum, auto

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.errors import INTERRUPTED, CliError
from app.cli.execution_ids import found_over_grpc
from app.cli.plans import Plan, read_plan
from app.cli.refused_names import near_keys
from app.cli.screen.console import failures, results
from app.cli.screen.drawing import Drawing, IdDrawing, JsonDrawing, PlainDrawing
from app.cli.targets import Services, default_grpc_address
from app.client.follower import Follower
from app.client.grpc_client import GrpcClient
from app.domain.waiting import signal_command


class Style(Enum):
    """How progress is shown. `AUTO` redraws in place on a terminal and prints lines elsewhere."""

    AUTO = auto()
    JSON = auto()
    QUIET = auto()

    @classmethod
    def of(cls, *, quiet: bool = False, as_json: bool = False) -> "Style":
        if quiet and as_json:
            raise CliError("--quiet and --json cannot be combined")
        if quiet:
            return cls.QUIET
        return cls.JSON if as_json else cls.AUTO


def run_workflow(services: Services, request: pb.ExecuteWorkflowRequest, style: Style) -> int:
    """Start an execution and show it to its end; return the exit code, which says how it ended."""
    with GrpcClient(services.grpc) as client, near_keys(services.rest):
        follower = Follower(client, request=request)
        return _show(follower, _drawing(style, services.grpc, request.workflow_id), style, services)


def watch_execution(services: Services, execution: str, after: int, style: Style) -> int:
    """Show an execution from entry `after + 1` to its end; return the exit code, which says how it ended."""
    with GrpcClient(services.grpc) as client:
        follower = Follower(client, execution_id=found_over_grpc(client, execution), after=after)
        code = _show(follower, _drawing(style, services.grpc), style, services)
        if follower.shown == 0 and code != INTERRUPTED:
            failures().say(f"nothing after entry {after}: the execution is {follower.status}")
        return code


def watch_command(target: str, execution_id: str, *options: str) -> str:
    """The command line that follows an execution of the server at `target`."""
    return " ".join(("workflow watch", execution_id, *options, *elsewhere(target)))


def elsewhere(target: str) -> tuple[str, ...]:
    """The option that a command needs to reach the server at `target`; none for the default one."""
    return () if target == default_grpc_address() else (f"--grpc-target {target}",)


def _show(follower: Follower, drawing: Drawing, style: Style, services: Services) -> int:
    try:
        with drawing:
            for entry in follower.entries(drawing.notice):
                if drawing.wants_plan and follower.shown == 1:
                    _expect(drawing, read_plan(services.rest, entry.execution_id), is_whole=entry.sequence == 1)
                drawing.show(entry)
    except KeyboardInterrupt:
        failures().say(_detached(follower, style, services.grpc))
        return INTERRUPTED
    return 0 if follower.status == "completed" else 1


def _expect(drawing: Drawing, plan: Plan | None, *, is_whole: bool) -> None:
    """Joined late, a history does not say which of the tasks have ended before, so only the name is used."""
    if plan is not None:
        drawing.expect(plan.workflow, plan.tasks if is_whole else ())


def _drawing(style: Style, target: str, workflow: str = "") -> Drawing:
    output = results()

    def command(execution_id: str, signal: str) -> str:
        return signal_command(execution_id, signal, *elsewhere(target))

    match style:
        case Style.JSON:
            return JsonDrawing(output)
        case Style.QUIET:
            return IdDrawing(output)
        case Style.AUTO if output.draws:
            # Imported here because only a terminal needs it.
            from app.cli.screen.live_drawing import LiveDrawing

            return LiveDrawing(output, workflow, command=command)
        case Style.AUTO:
            return PlainDrawing(output, workflow, command)


def _detached(follower: Follower, style: Style, target: str) -> str:
    if not follower.execution_id:
        return f"interrupted before the service at {target} answered. {follower.how_to_find_out}"
    options = []
    if style is not Style.AUTO or not results().draws:
        options.append(f"--after {follower.last}")
    if style is Style.JSON:
        options.append("--json")
    command = watch_command(target, follower.execution_id, *options)
    return f"detached; the execution continues. Follow it with: {command}"
