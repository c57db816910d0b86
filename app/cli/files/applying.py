"""`workflow apply`: creates and changes the service's definitions to match the files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from app.cli.errors import explained
from app.cli.files.calls import called_first, reached_from, without_companions
from app.cli.files.definition_files import Definition, read_definitions
from app.cli.files.drafts import replacement_of
from app.cli.files.validating import warning_lines
from app.cli.screen.console import failures, results
from app.client.machine_client import MachineClient
from app.client.rest_client import Document, RestClient, ServiceRefusal, problems_in
from app.definitions.changes import SET_BY_THE_SERVICE, SET_BY_THE_SERVICE_IN_TASKS
from app.domain.errors import Invalid, Problem

CONFLICT = 409


class Change(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of applying one definition.

    revision: the current revision afterwards; None if there is none.
    before: the revision that was current before; None if there was none.
    problems: empty unless the service refused the definition. A problem about no field has an empty path.
    lines: one for each problem or warning, with its place in the file.
    """

    source: str
    key: str
    change: Change
    before: int | None = None
    revision: int | None = None
    problems: tuple[Problem, ...] = ()
    lines: Sequence[str] = field(default=(), compare=False, repr=False)


def apply_files(rest_url: str, paths: Sequence[Path], *, strict: bool = False) -> list[Outcome]:
    """Create or replace every workflow of the files and folders; return one outcome for each.

    They are sent in their order, but a workflow after those that it calls. With `strict`, calls of workflows that do
    not exist are refused; otherwise they are warnings. Files may call each other in a circle in both cases.

    All files are read before the first is sent, so nothing changes if one cannot be read. A definition that the
    service refuses has an `Outcome`, and the others are still applied. Raise `CliError` when a file cannot be read,
    `ClientError` when the service does not respond.
    """
    definitions = called_first(read_definitions(paths))
    with RestClient(rest_url) as service:
        applying = _Applying(service, definitions, strict)
        return [applying.apply(definition) for definition in definitions]


def apply_and_tell(rest_url: str, paths: Sequence[Path], *, strict: bool = False) -> int:
    """Apply the files and print a line for each definition; return the exit code, 1 if one was refused."""
    outcomes = apply_files(rest_url, paths, strict=strict)
    for outcome in outcomes:
        tell(outcome)
    return int(any(outcome.change is Change.REFUSED for outcome in outcomes))


@dataclass(frozen=True, slots=True)
class _Applying:
    """Sends definitions to the service.

    companions: all of them.
    sent: the keys of those that have been applied or refused.
    """

    service: RestClient
    companions: Sequence[Definition]
    strict: bool
    sent: set[str] = field(default_factory=set)

    def apply(self, definition: Definition) -> Outcome:
        if definition.is_machine:
            outcome = self._machine(definition)
        elif set_by_the_service := list(_set_by_the_service(definition)):
            outcome = refused(definition, set_by_the_service)
        else:
            outcome = self._saved(definition)
        self.sent.add(definition.key)
        return outcome

    def _machine(self, definition: Definition) -> Outcome:
        """Sent once: what machines are about does not depend on other definitions."""
        try:
            return self._create_or_replace_machine(definition)
        except ServiceRefusal as refusal:
            return refused(definition, refusal.problems or (Problem("", explained(refusal)),))

    def _create_or_replace_machine(self, definition: Definition) -> Outcome:
        found = MachineClient(self.service).find_machine(definition.key)
        if found is None:
            created = MachineClient(self.service).create_machine(definition.request, strict=self.strict)
            return self._outcome(definition, Change.CREATED, None, created)
        replaced = MachineClient(self.service).replace_machine(definition.key, definition.request, strict=self.strict)
        change = Change.UNCHANGED if replaced["revision"] == found["revision"] else Change.CHANGED
        return self._outcome(definition, change, found["revision"], replaced)

    def _saved(self, definition: Definition) -> Outcome:
        try:
            return self._create_or_replace(definition, self.strict)
        except ServiceRefusal as refusal:
            problems = definition.in_its_words(refusal.problems) or (Problem("", explained(refusal)),)
        except Invalid as invalid:
            return refused(definition, invalid.problems)
        if not (self.strict and self._is_only_early(definition, problems)):
            return refused(definition, problems)
        return _Applying(self.service, self.companions, strict=False)._saved(definition)

    def _is_only_early(self, definition: Definition, problems: Sequence[Problem]) -> bool:
        """True if the problems are nothing but calls of definitions that are still to be sent and will be accepted.

        Only in a circle is one sent before those that it calls. The others of the circle are checked first, since it
        must not stay alone in the service.
        """
        coming = [companion for companion in self.companions if companion.key not in self.sent]
        if without_companions(problems, definition, coming):
            return False
        return all(self._will_be_accepted(other, coming) for other in reached_from(definition, coming))

    def _will_be_accepted(self, definition: Definition, coming: Sequence[Definition]) -> bool:
        verdict = self.service.validate_workflow(definition.request)
        return not verdict.problems and not without_companions(verdict.warnings, definition, coming)

    def _create_or_replace(self, definition: Definition, strict: bool) -> Outcome:
        found = self.service.find_workflow(definition.key)
        if found is None:
            try:
                created = self.service.create_workflow(definition.request, strict=strict)
            except ServiceRefusal as refusal:
                # Another client may have created it in the meantime.
                found = self.service.find_workflow(definition.key) if refusal.status == CONFLICT else None
                if found is None:
                    raise
            else:
                return self._outcome(definition, Change.CREATED, None, created)
        replaced = self.service.replace_workflow(definition.key, replacement_of(definition), strict=strict)
        change = Change.UNCHANGED if replaced["revision"] == found["revision"] else Change.CHANGED
        return self._outcome(definition, change, found["revision"], replaced)

    def _outcome(self, definition: Definition, change: Change, before: int | None, saved: Document) -> Outcome:
        found = definition.in_its_words(problems_in(saved.get("warnings", ())))
        warnings = without_companions(found, definition, self.companions)
        lines = warning_lines(definition, warnings)
        return Outcome(definition.source, definition.key, change, before, saved["revision"], lines=lines)


def _set_by_the_service(definition: Definition) -> Iterator[Problem]:
    """The fields of a response that a file must not have. The service would take them for the state that was read, so
    that the file could be applied only once. A document with steps is checked as a whole before it replaces anything.
    """
    if definition.has_steps:
        return
    document = definition.document
    tasks = document.get("tasks")
    parts = [("", document, SET_BY_THE_SERVICE)]
    for number, task in enumerate(tasks if isinstance(tasks, list) else ()):
        if isinstance(task, dict):
            parts.append((f"tasks[{number}].", task, SET_BY_THE_SERVICE_IN_TASKS))
    for path, part, names in parts:
        yield from (
            Problem(path + name, "only the service sets this; leave it out of a file") for name in part if name in names
        )


def refused(definition: Definition, problems: Sequence[Problem]) -> Outcome:
    lines = definition.located(problems)
    return Outcome(definition.source, definition.key, Change.REFUSED, problems=tuple(problems), lines=lines)


def tell(outcome: Outcome) -> None:
    """Print one line on stdout and the warnings on stderr, or the problems of a refused definition on stderr."""
    if outcome.change is Change.REFUSED:
        failures().say(f"refused    {outcome.key}  {outcome.source}")
        for line in outcome.lines:
            failures().say(f"  {line}")
        return
    revisions = f"{outcome.before} → {outcome.revision}" if outcome.change is Change.CHANGED else f"{outcome.revision}"
    results().say(f"{outcome.change:<9}  {outcome.key}  revision {revisions}  {outcome.source}")
    for line in outcome.lines:
        failures().say(f"  {line}")
