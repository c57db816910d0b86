"""Short ids of executions: the end of an id, or its beginning, in place of all of it.

Ids are UUIDs of version 7 (RFC 9562): they begin with the time, which neighbours share, and end in random digits.
Tables therefore show the end.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from app.api.grpc.generated import workflow_pb2 as pb
from app.cli.errors import CliError
from app.cli.screen.times import Times
from app.client.entries import instant, status_word
from app.client.grpc_client import GrpcClient
from app.client.rest_client import RestClient

SHORT = 8
LEAST_DIGITS = 4
MOST_EXECUTIONS = 10_000
MOST_CANDIDATES = 10

_DIGITS = re.compile(r"[0-9a-f]+")


class Candidate(NamedTuple):
    """An execution that a short id may mean.

    id: its id.
    note: what tells it from others, such as its status.
    """

    id: str
    note: str


def short_ids(ids: Iterable[str]) -> Mapping[str, str]:
    """Each id with its last digits: eight, or more if several of the ids end in the same."""
    known = list(dict.fromkeys(ids))
    for length in (SHORT, 12):
        shortened = {whole: whole[-length:] for whole in known}
        if len(set(shortened.values())) == len(known):
            return shortened
    return {whole: whole for whole in known}


def found_over_grpc(client: GrpcClient, text: str) -> str:
    """The id of the one execution that `text` means: an id is returned as it is, a short one is looked up.

    Raise `CliError` if no execution, or more than one, of the newest `MOST_EXECUTIONS` has such an id.
    """
    if is_whole(text):
        return text
    newest = client.executions(pb.ListExecutionsRequest(), MOST_EXECUTIONS)
    return _found(
        text, (_candidate(one.execution_id, status_word(one.status), instant(one, "created_at")) for one in newest)
    )


def found_over_rest(service: RestClient, text: str) -> str:
    """As `found_over_grpc`."""
    if is_whole(text):
        return text
    newest = service.executions(MOST_EXECUTIONS)
    return _found(text, (_candidate(one["id"], one["status"], one["created_at"]) for one in newest))


def is_whole(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def digits_of(text: str) -> str:
    """The hexadecimal digits of a short id, in lower case. Raise `CliError` if it is too short or something else."""
    digits = text.lower().replace("-", "")
    if not _DIGITS.fullmatch(digits):
        raise CliError(f"{text!r} is not the id of an execution; `workflow list` lists what there is")
    if len(digits) < LEAST_DIGITS:
        raise CliError(f"{text!r} is too short for an id of an execution; give {LEAST_DIGITS} digits or more")
    return digits


def the_one(text: str, candidates: Iterable[Candidate], among: str) -> str:
    """The id of the only candidate. Raise `CliError` otherwise; `among` says where they were looked for."""
    found = list(islice(candidates, MOST_CANDIDATES + 1))
    if len(found) == 1:
        return found[0].id
    if not found:
        raise CliError(f"{among} has an id that begins or ends with {text!r}; give the whole id")
    lines = [f"  {candidate.id}  {candidate.note}".rstrip() for candidate in found[:MOST_CANDIDATES]]
    more = ["  and more"] if len(found) > MOST_CANDIDATES else []
    raise CliError("\n".join([f"several executions have an id that begins or ends with {text!r}:", *lines, *more]))


def _candidate(execution_id: str, status: str, created_at: str | None) -> Candidate:
    return Candidate(execution_id, f"{status:<9}  {Times().full(created_at)}")


def _found(text: str, executions: Iterable[Candidate]) -> str:
    digits = digits_of(text)
    matching = (execution for execution in executions if _matches(execution.id, digits))
    return the_one(text, matching, f"none of the newest {MOST_EXECUTIONS:,} executions")


def _matches(execution_id: str, digits: str) -> bool:
    all_digits = execution_id.replace("-", "")
    return all_digits.startswith(digits) or all_digits.endswith(digits)
