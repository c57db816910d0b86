"""`workflow audit list`: what it asks for and what it prints."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.rest_stand_in import RestStandIn


def entry(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "at": "2026-01-02T03:04:05.678900Z",
        "actor": "key:Xk3vT9aB",
        "actor_kind": "key",
        "action": "workflow.change",
        "target": "workflow:7",
        "request_id": "6f1c0d2b",
        "ip": "192.0.2.7",
        "before": {"name": "n"},
        "after": {"name": "m"},
        "prev": "0a" * 32,
        "hash": "0b" * 32,
    } | fields


GOLDEN = """\
#  AT                    ACTOR              ACTION           TARGET        FROM       REQUEST
2  2026-01-02 03:04:05Z  key:Xk3vT9aB       workflow.change  workflow:7    192.0.2.7  6f1c0d2b
1  2026-01-02 03:04:05Z  command:bootstrap  key.bootstrap    key:Xk3vT9aB
"""


def test_it_prints_a_line_for_each_entry(rest_service: RestStandIn, workflow):
    made = entry(1, actor="command:bootstrap", action="key.bootstrap", target="key:Xk3vT9aB", request_id=None, ip=None)
    rest_service.audit = [entry(2), made]
    result = workflow("audit", "list", "--utc")
    assert (result.exit_code, result.stdout, result.stderr) == (0, GOLDEN, "")
    assert rest_service.calls == [("GET", "/api/v1/audit")]


def test_with_json_it_prints_whole_entries(rest_service: RestStandIn, workflow):
    rest_service.audit = [entry(2), entry(1)]
    result = workflow("audit", "list", "--json")
    assert [json.loads(line) for line in result.stdout.splitlines()] == rest_service.audit


def test_the_filters_are_those_of_the_request(rest_service: RestStandIn, workflow):
    words = ["--actor", "key:a&b", "--action", "execution.cancel", "--target", "execution:x"]
    assert workflow("audit", "list", *words, "--since", "2026-01-02T03:04:05+01:00").exit_code == 0
    assert rest_service.queries == [
        {
            "actor": "key:a&b",
            "action": "execution.cancel",
            "target": "execution:x",
            "since": "2026-01-02T02:04:05.000000Z",
            "limit": 20,
        }
    ]


def test_since_can_be_a_length_of_time(rest_service: RestStandIn, workflow):
    assert workflow("audit", "list", "--since", "2h").exit_code == 0
    since = datetime.fromisoformat(rest_service.queries[0]["since"])
    assert 7_000 < (datetime.now(UTC) - since).total_seconds() < 7_400


def test_it_asks_for_pages_until_it_has_enough(rest_service: RestStandIn, workflow):
    rest_service.audit = [entry(number) for number in range(450, 0, -1)]
    result = workflow("audit", "list", "--json", "--limit", "410")
    assert [json.loads(line)["number"] for line in result.stdout.splitlines()] == list(range(450, 40, -1))
    assert [query["limit"] for query in rest_service.queries] == [200, 200, 10]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--since", "yesterday"], "is not a date and time"),
        (["--since", "99999999d"], "is too long ago"),
        (["--action", "workflow.dance"], "did you mean 'workflow.change'"),
    ],
    ids=["no instant", "too long ago", "no action"],
)
def test_wrong_options_are_explained(workflow, words: list[str], said: str):
    result = workflow("audit", "list", *words)
    assert result.exit_code == 2
    assert said in result.stderr.replace("\n", " ")
