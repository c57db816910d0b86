"""Definitions as files: YAML (also several documents in one stream) or JSON, one workflow or machine per document."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.api.rest.dialects.steps import in_words_of_steps
from app.api.rest.files.json_documents import load_json
from app.api.rest.files.places import DocumentError, Passage, Place
from app.api.rest.files.yaml_documents import load_yaml
from app.cli.errors import CliError, reason_of
from app.cli.files.forms import is_of_steps
from app.cli.files.machine_files import is_machine, key_of
from app.cli.files.suggestions import with_near_names
from app.domain.errors import Problem
from app.domain.refs import key_problems

SUFFIXES = frozenset({".yaml", ".yml", ".json"})

NOWHERE = Passage("", Place(1, 1))


@dataclass(frozen=True, slots=True)
class Definition:
    """One workflow or machine of a file.

    source: the file, with the number of the document if the file has several.
    key: its key; empty if the document has no usable one.
    """

    source: str
    key: str
    document: Mapping[str, Any]
    passage: Passage = field(default=NOWHERE, compare=False, repr=False)

    @property
    def is_machine(self) -> bool:
        return is_machine(self.document)

    @property
    def has_steps(self) -> bool:
        """Whether the document has steps in place of tasks."""
        return is_of_steps(self.document)

    @property
    def key_field(self) -> str:
        """The name of the field that has the key."""
        return _key_field(self.document)

    @property
    def request(self) -> dict[str, Any]:
        """The request body that creates the workflow. It has `tasks` unless it has steps: a PUT without them would keep
        the stored tasks.
        """
        if self.has_steps or self.is_machine:
            return dict(self.document)
        tasks = self.document.get("tasks")
        return {**self.document, "tasks": [] if tasks is None else tasks}

    def in_its_words(self, problems: Sequence[Problem]) -> Sequence[Problem]:
        """Problems of the workflow with the names of fields that the document has."""
        return in_words_of_steps(problems) if self.has_steps else problems

    def located(self, problems: Iterable[Problem]) -> list[str]:
        """One line for each problem, in the order of their places in the file, with near names for mistyped ones."""
        return self.passage.all_located(with_near_names(problems, self.document))


@dataclass(frozen=True, slots=True)
class Reading:
    """The contents of files: definitions, including those without a usable key, and one located line per problem."""

    definitions: Sequence[Definition]
    keyless: Sequence[Definition]
    wrong: Sequence[str]


def read_definitions(paths: Sequence[Path]) -> Sequence[Definition]:
    """All definitions of all files and folders. Raise `CliError` with one line per problem in any of them."""
    reading = read_files(paths)
    if reading.wrong:
        raise CliError("\n".join(reading.wrong))
    return reading.definitions


def read_files(paths: Sequence[Path]) -> Reading:
    """Read every file, and every definition file in each folder and its subfolders, sorted by path."""
    outcomes = [outcome for path in paths for outcome in (_read_folder(path) if path.is_dir() else _read(path))]
    definitions = [outcome for outcome in outcomes if isinstance(outcome, Definition)]
    wrong = [outcome for outcome in outcomes if isinstance(outcome, str)]
    keyed = [definition for definition in definitions if definition.key]
    keyless = [definition for definition in definitions if not definition.key]
    return Reading(keyed, keyless, wrong + _repeated_keys(keyed))


def _read_folder(folder: Path) -> Iterator[Definition | str]:
    within = [path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES]
    files = [folder / path for path in sorted(within) if not any(part.startswith(".") for part in path.parts)]
    if not files:
        yield f"{folder} contains no .yaml, .yml or .json file"
    for path in files:
        yield from _read(path)


def _read(path: Path) -> Iterator[Definition | str]:
    try:
        documents = _documents(path)
    except (OSError, UnicodeDecodeError) as error:
        yield f"{path} cannot be read: {reason_of(error)}"
        return
    except DocumentError as error:
        where = path if error.line is None else f"{path}:{error.line}:{error.column}"
        yield f"{where}: {error.message}"
        return
    if not documents:
        yield f"{path} contains no definition"
    for number, (document, place) in enumerate(documents, start=1):
        source = str(path) if len(documents) == 1 else f"{path} (document {number})"
        yield from _definition(source, document, Passage(str(path), place))


def _documents(path: Path) -> list[tuple[Any, Place]]:
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() == ".json":
        return [load_json(text)]
    # `---` at the end of a file starts one more document, which is empty.
    return [(document, place) for document, place in load_yaml(text) if document is not None]


def _definition(source: str, document: Any, passage: Passage) -> Iterator[Definition | str]:
    if not isinstance(document, dict):
        yield f"{passage.at('')}: a definition is a mapping with `key`, `name` and `tasks`"
        return
    name = _key_field(document)
    key = key_of(document) if is_machine(document) else document.get(name)
    problem = _key_problem(name, key)
    if problem is not None:
        yield f"{passage.at(name)}: {problem}"
    yield Definition(source, str(key) if problem is None else "", document, passage)


def _key_field(document: Mapping[str, Any]) -> str:
    return "id" if is_of_steps(document) else "key"


def _key_problem(name: str, key: Any) -> str | None:
    if key is None:
        return f"`{name}` is missing; it identifies the definition"
    if not isinstance(key, str):
        return f"{name}: must be text; put it in quotes"
    return next((f"{name}: {problem.message}" for problem in key_problems(key)), None)


def _repeated_keys(definitions: Sequence[Definition]) -> list[str]:
    first_with: dict[tuple[bool, str], str] = {}
    repeated: list[str] = []
    for definition in definitions:
        place, name = definition.passage.at(definition.key_field), (definition.is_machine, definition.key)
        if name in first_with:
            repeated.append(f"{place}: the key {definition.key!r} is already that of {first_with[name]}")
        first_with.setdefault(name, place)
    return repeated
