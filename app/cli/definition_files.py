"""Workflow definitions as files: YAML (also several documents in one stream) or JSON, one workflow per document."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.cli.errors import CliError
from app.cli.json_documents import load_json
from app.cli.starting import reason_of
from app.cli.yaml_documents import DocumentError, load_yaml
from app.domain.definitions import key_problems


@dataclass(frozen=True, slots=True)
class Definition:
    """One workflow of a file. `source` names the file, and the document where the file has several."""

    source: str
    key: str
    document: Mapping[str, Any]


def read_definitions(paths: Sequence[Path]) -> list[Definition]:
    """All definitions of all files, or `CliError` with one line for everything wrong in any of them."""
    found: list[Definition] = []
    wrong: list[str] = []
    for path in paths:
        for outcome in _read(path):
            if isinstance(outcome, Definition):
                found.append(outcome)
            else:
                wrong.append(outcome)
    wrong += _repeated_keys(found)
    if wrong:
        raise CliError("\n".join(wrong))
    return found


def _read(path: Path) -> Iterator[Definition | str]:
    try:
        documents = _documents(path)
    except (OSError, UnicodeDecodeError) as error:
        yield f"{path} cannot be read: {reason_of(error)}"
        return
    except DocumentError as error:
        yield f"{path}{f', line {error.line}' if error.line else ''}: {error.message}"
        return
    if not documents:
        yield f"{path} holds no definition"
    for number, document in enumerate(documents, start=1):
        source = str(path) if len(documents) == 1 else f"{path} (document {number})"
        yield _definition(source, document)


def _documents(path: Path) -> list[Any]:
    text = path.read_text("utf-8-sig")
    if path.suffix.lower() == ".json":
        return [load_json(text)]
    # `---` at the end of a file begins one more document, which is empty.
    return [document for document in load_yaml(text) if document is not None]


def _definition(source: str, document: Any) -> Definition | str:
    if not isinstance(document, dict):
        return f"{source}: a definition is a mapping with `key`, `name` and `tasks`"
    key = document.get("key")
    if key is None:
        return f"{source}: `key` is missing; it is what makes applying the file twice the same as once"
    if not isinstance(key, str):
        return f"{source}: key: must be text; put it in quotes"
    if problems := key_problems(key):
        return f"{source}: key: {problems[0].message}"
    return Definition(source, key, document)


def _repeated_keys(definitions: Sequence[Definition]) -> list[str]:
    first_with: dict[str, str] = {}
    repeated: list[str] = []
    for definition in definitions:
        if definition.key in first_with:
            first = first_with[definition.key]
            repeated.append(f"{definition.source}: the key {definition.key!r} is already that of {first}")
        first_with.setdefault(definition.key, definition.source)
    return repeated
