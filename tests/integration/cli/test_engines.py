"""`workflow engines` against the REST service itself."""

import json
from collections.abc import Awaitable, Callable

from click.testing import Result

from tests.support.databases import ask
from tests.support.tenant import TEST_TENANT

_ADD = """
INSERT INTO engines (name, lease_until, host, pid, version, capacity, running, parked, task_types, renewed_at)
VALUES ('one:71', UNTIL, 'one', 71, '1.2.3', 9, 3, 2, '{log}', '2026-01-31T02:00:00Z')
"""


async def test_they_are_listed(command: Callable[..., Awaitable[Result]], database_url: str):
    assert (await command("engines")).exit_code == 0
    await ask(database_url, _ADD.replace("UNTIL", "'infinity'"))
    await ask(database_url, _ADD.replace("UNTIL", "now() - interval '1 hour'"))
    listed = (await command("engines", "--utc")).stdout.splitlines()
    assert [line.split()[:2] for line in listed[1:]] == [["1", "online"], ["2", "offline"]]
    of_machine = () if TEST_TENANT else ("one:71", "3/9", "2")
    assert all(word in listed[1].split() for word in ("1.2.3", *of_machine))
    documents = [json.loads(line) for line in (await command("engines", "--json")).stdout.splitlines()]
    assert [(one["id"], one["status"], one["task_types"]) for one in documents] == [
        (1, "online", ["log"]),
        (2, "offline", ["log"]),
    ]
    assert documents[1]["ended_at"] is not None
