"""`workflow validate`: reports every problem in definition files, with file, line and column."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import httpx

from app.cli.errors import explained
from app.cli.files.calls import without_companions
from app.cli.files.definition_files import Definition, read_files
from app.cli.files.drafts import check_offline
from app.cli.files.machine_files import machine_findings
from app.cli.screen.console import failures, results
from app.client.errors import ClientError
from app.client.rest_client import RestClient, ServiceRefusal, Verdict
from app.domain.errors import Invalid, Problem

NO_SUCH_OPERATION = (httpx.codes.NOT_FOUND, httpx.codes.METHOD_NOT_ALLOWED)


def validate(rest_url: str | None, paths: Sequence[Path], *, strict: bool = False) -> int:
    """Print a line for each valid definition, each problem and each warning; return the exit code, 1 if there are
    problems. With `strict`, a warning is a problem.

    A call of a workflow that exists neither in the service nor among the files is a warning. The service at `rest_url`
    checks everything. Without a URL, or if the service does not respond, task types, their configs, the calls and the
    service's limits are not checked.
    """
    reading = read_files(paths)
    lines = list(reading.wrong)
    for definition, verdict in _judged(rest_url, reading.definitions):
        warnings = without_companions(verdict.warnings, definition, reading.definitions)
        problems = [*verdict.problems, *warnings] if strict else verdict.problems
        if not problems:
            results().say(f"valid      {definition.key}  {definition.source}")
        lines += definition.located(problems)
        for line in () if strict else warning_lines(definition, warnings):
            failures().say(line)
    for definition in reading.keyless:
        lines += definition.located(problem for problem in _offline(definition) if problem.path != definition.key_field)
    for line in lines:
        failures().say(line)
    return int(bool(lines))


def problems_of(rest_url: str, definition: Definition) -> Sequence[Problem]:
    """What the service at `rest_url` finds; without it, what can be found here, with a sentence on stderr."""
    ((_, verdict),) = _judged(rest_url, [definition])
    return verdict.problems


def warning_lines(definition: Definition, warnings: Sequence[Problem]) -> list[str]:
    return definition.located(Problem(one.path, f"warning: {one.message}") for one in warnings)


def _judged(rest_url: str | None, definitions: Sequence[Definition]) -> Iterator[tuple[Definition, Verdict]]:
    with ExitStack() as stack:
        service = None if rest_url is None else stack.enter_context(RestClient(rest_url))
        for definition in definitions:
            if definition.is_machine:
                yield definition, Verdict(*machine_findings(definition.document))
                continue
            found = None if service is None else _asked(service, definition)
            if found is None:
                service = None
            yield definition, Verdict(tuple(_offline(definition))) if found is None else found


def _asked(service: RestClient, definition: Definition) -> Verdict | None:
    """What the service finds; None, with a sentence on stderr, if it cannot be asked."""
    try:
        return service.validate_workflow(definition.request)
    except ServiceRefusal as refusal:
        if refusal.status not in NO_SUCH_OPERATION:
            return Verdict(refusal.problems or (Problem("", explained(refusal)),))
        reason = "the service is too old to validate definitions"
    except ClientError as error:
        reason = error.message
    failures().say(f"{reason}; task types, their configs and the service's limits are not checked")
    return None


def _offline(definition: Definition) -> Sequence[Problem]:
    if definition.is_machine:
        return machine_findings(definition.document)[0]
    try:
        check_offline(definition)
    except Invalid as invalid:
        return invalid.problems
    return ()
