"""The rules of secrets: a workflow names those that it uses, and uses none where its value would be stored."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches

from app.domain.definitions import TaskDraft
from app.domain.errors import Problem
from app.domain.stored_configs import STORED_CONFIGS, WHERE_TO_USE
from app.expressions.secrets import secret_name_problem

MAX_SHOWN = 20
MAX_SECRETS = 100
"""Of one workflow. The output of each of its tasks is searched for all of them."""


class UsedSecrets:
    """The secrets that the expressions of a workflow use, each with the first place where it is used."""

    def __init__(self) -> None:
        self._places: dict[str, str] = {}

    def add(self, names: Collection[str], path: str) -> None:
        for name in sorted(names):
            # A name that no secret can have is another problem: to list it in `secrets` would not help.
            if secret_name_problem(name) is None:
                self._places.setdefault(name, path)

    def problems(self, named: Sequence[str]) -> list[Problem]:
        """Those of the field `secrets`, whose value is `named`."""
        missing = {name: path for name, path in sorted(self._places.items()) if name not in named}
        return [*_of_list(named), *([_not_named(missing, named)] if missing else [])]


def _not_named(missing: Mapping[str, str], named: Sequence[str]) -> Problem:
    """Of secrets that expressions use, with the first place of each, and `secrets` does not name."""
    meant = {name: found[0] for name in list(missing)[:MAX_SHOWN] if (found := get_close_matches(name, named, n=1))}
    uses = [_use(name, missing[name], meant.get(name)) for name in list(missing)[:MAX_SHOWN]]
    text = f"must name every secret that an expression uses: {', '.join(uses)}"
    if new := missing.keys() - meant:
        text += f"; write secrets: [{', '.join(sorted({*named, *new}))}]"
    return Problem("secrets", text)


def _use(name: str, path: str, meant: str | None) -> str:
    hint = "" if meant is None else f"; did you mean {meant}?"
    return f"{name} (used at {path}{hint})"


def _of_list(named: Sequence[str]) -> Iterator[Problem]:
    if len(named) > MAX_SECRETS:
        yield Problem("secrets", f"has {len(named)} names; the limit is {MAX_SECRETS}")
        return
    for index, name in enumerate(named):
        if problem := secret_name_problem(name):
            yield Problem(f"secrets[{index}]", problem)
        elif name in named[:index]:
            yield Problem(f"secrets[{index}]", f"{name!r} is already secrets[{named.index(name)}]")


def stored_secret_problems(task: TaskDraft, path: str, names: Collection[str]) -> list[Problem]:
    """The problem of an expression at `path` that uses the secrets `names`, in a task whose config is stored."""
    reason = STORED_CONFIGS.get(task.type or "")
    if reason is None or not names or path.endswith("].when"):
        return []
    text = f"uses secret {', '.join(map(repr, sorted(names)))}, but {reason}; {WHERE_TO_USE}"
    return [Problem(path, text)]
