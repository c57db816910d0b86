"""JSON read strictly: no key twice, no NaN."""

import json
import re
from typing import Any

from app.cli.yaml_documents import DocumentError

_TOKEN = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")(?P<colon>\s*:)?|[{}]')


def load_json(text: str) -> Any:
    """The one value of a JSON text; raise `DocumentError`."""
    try:
        document = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise DocumentError(error.lineno, f"it is not JSON: {error.msg} (column {error.colno})") from None
    except ValueError as error:
        raise DocumentError(None, str(error)) from None
    except RecursionError:
        raise DocumentError(None, "it is nested too deeply") from None
    _check_keys(text)
    return document


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} does not exist in JSON")


def _check_keys(text: str) -> None:
    """The parser keeps no positions, so a text known to be valid is walked once more for its keys."""
    open_objects: list[set[str]] = []
    for token in _TOKEN.finditer(text):
        if token[0] == "{":
            open_objects.append(set())
        elif token[0] == "}":
            open_objects.pop()
        elif token["colon"]:
            key = json.loads(token["text"])
            if key in open_objects[-1]:
                line = text.count("\n", 0, token.start()) + 1
                raise DocumentError(line, f"the key {key!r} appears twice in one object")
            open_objects[-1].add(key)
