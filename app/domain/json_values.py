"""Which JSON values PostgreSQL and strict JSON can hold, and their text."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from app.domain.errors import Invalid, Problem, TooLarge
from app.domain.paths import Step, below
from app.domain.texts import NUL, storable_text, text_problem

MAX_DEPTH = 64
"""How many lists and objects may be nested."""

SMALLEST, GREATEST = -(2**63), 2**64 - 1
"""The range of integers."""

BEYOND_64_BITS = "must be an integer of at most 64 bits"

MAX_SHOWN_NAME = 100
_PLAIN = frozenset({str, int, float, bool, type(None)})
_ENCODER_DEPTH = 254
"""How deep orjson writes; beyond that it raises an error. https://github.com/ijl/orjson#serialize"""

_PLAIN_JSON = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS

Way = tuple["Way", Step | None] | None
"""How a value is reached: the way to its container, and the step from there, None for the outermost value. A path is
rendered only for a problem.
"""


class RepeatedName(dict[str, Any]):
    """An object that was written with two fields of one name.

    name: the first of the names that are there more than once.
    """

    def __init__(self, fields: Sequence[tuple[str, Any]]) -> None:
        super().__init__(fields)
        # Each name is looked at once: a hostile body has a hundred thousand of them.
        counts = Counter(name for name, _ in fields)
        self.name = next(name for name, count in counts.items() if count > 1)


def encode(value: Any, field: str, limit: int, max_depth: int = MAX_DEPTH) -> str | None:
    """JSON text of a value; None for `null`. Raise `Invalid` if JSON or PostgreSQL cannot hold it, `TooLarge` if its
    text has more than `limit` bytes.
    """
    if value is None:
        return None
    try:
        text = orjson.dumps(value, option=_PLAIN_JSON)
    except (TypeError, orjson.JSONEncodeError):
        raise _refusal(value, field, max_depth) from None
    if len(text) > limit:
        raise TooLarge(field, limit, len(text))
    # The encoder writes `null` for NaN. Only texts that may contain NaN or a NUL character are searched.
    if b"null" in text or b"\\u0000" in text or is_deeper(value, text, max_depth):
        for problem in storage_problems(value, field, max_depth, check=_encoded_problem):
            raise Invalid([problem])
    return text.decode()


def is_deeper(value: Any, text: bytes, max_depth: int) -> bool:
    """Whether more than `max_depth` lists and objects are nested in a value that orjson has written as `text`.

    Python takes fifty times as long to look for the depth as orjson, which has a limit of its own. So orjson writes the
    value within as many lists as bring `max_depth` to that limit.
    """
    if text.count(b"[") + text.count(b"{") <= max_depth:
        return False
    for _ in range(_ENCODER_DEPTH - max_depth):
        value = [value]
    try:
        orjson.dumps(value, option=_PLAIN_JSON)
    except orjson.JSONEncodeError:
        return True
    return False


def _refusal(value: Any, field: str, max_depth: int) -> Invalid:
    """What is wrong with a value that the encoder refuses."""
    for problem in storage_problems(value, field, max_depth, check=_encoding_problem):
        return Invalid([problem])
    return Invalid.at(field, "is not a JSON value: it contains a subclass of a type that JSON has")


def _encoding_problem(item: Any) -> str | None:
    """Why the encoder refuses a value that contains no others. It writes some that JSON does not have, as dates."""
    if type(item) in _PLAIN:
        return value_problem(item)
    try:
        orjson.dumps(item, option=_PLAIN_JSON)
    except (TypeError, orjson.JSONEncodeError):
        return f"is a {type(item).__name__}, not a JSON value"
    return None


def _encoded_problem(item: Any) -> str | None:
    """Problems that the encoder does not report."""
    if isinstance(item, str):
        return text_problem(item) if NUL in item else None
    return number_problem(item) if isinstance(item, float) else None


def value_problem(item: Any) -> str | None:
    """The problem of a value that contains no others; None if it can be stored."""
    if item is None or isinstance(item, bool):
        return None
    if isinstance(item, str):
        return text_problem(item)
    if isinstance(item, int):
        return None if SMALLEST <= item <= GREATEST else BEYOND_64_BITS
    if isinstance(item, float):
        return number_problem(item)
    return f"is a {type(item).__name__}, not a JSON value"


def number_problem(item: float) -> str | None:
    """JSON has no NaN and no infinity."""
    return None if math.isfinite(item) else "must be a finite number"


def too_deep(max_depth: float) -> str:
    return f"must not be nested deeper than {max_depth} levels"


def storage_problems(
    value: Any,
    path: str,
    max_depth: float = math.inf,
    check: Callable[[Any], str | None] = value_problem,
) -> Iterator[Problem]:
    """Every problem within `value`, in document order.

    path: the path of `value`, with which the paths of the problems begin.
    max_depth: how many lists and objects may be nested. If there are more, the search ends with this problem.
    check: the problem of a value that contains no others, None if it has none.
    """
    # One iterator is open per level, however many values there are. Large outputs take this path, so `type(…) in` comes
    # first: `isinstance` with an abstract class takes five times as long.
    open_ones: list[tuple[Way, Iterator[tuple[Any, Any]]]] = [(None, iter(((None, value),)))]
    while open_ones:
        way, children = open_ones[-1]
        for step, item in children:
            inner = None if type(item) in _PLAIN else _children(item)
            if inner is None:
                if (message := check(item)) is not None:
                    yield Problem(_path(path, (way, step)), message)
                continue
            if len(open_ones) > max_depth:
                yield Problem(_path(path, (way, step)), too_deep(max_depth))
                return
            if isinstance(item, Mapping):
                yield from (Problem(_path(path, (way, step)), message) for message in _key_problems(item))
            open_ones.append(((way, step), iter(inner)))
            break
        else:
            open_ones.pop()


def _children(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """None for a value that contains no others."""
    if isinstance(value, list | tuple):
        return enumerate(value)
    return value.items() if isinstance(value, Mapping) else None


def _key_problems(item: Mapping[Any, Any]) -> Iterator[str]:
    if not all(isinstance(key, str) for key in item):
        yield "must have strings as keys"
        return
    if isinstance(item, RepeatedName):
        yield f"has the key {storable_text(item.name, MAX_SHOWN_NAME)!r} twice"
    for message in dict.fromkeys(filter(None, map(text_problem, item))):
        yield f"has a key that {message.replace('must not contain', 'contains')}"


def _path(path: str, way: Way) -> str:
    steps: list[Step] = []
    while way is not None:
        way, step = way
        if step is not None:
            steps.append(step if isinstance(step, int) else storable_text(str(step), MAX_SHOWN_NAME))
    return below(path, *reversed(steps))


def same_json(one: Any, other: Any) -> bool:
    """True if both are equal as JSON. Python would treat `true`, `1` and `1.0` as equal."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
