from pathlib import Path

import pytest

from app.cli.files.applying import Change, Outcome, apply_files
from app.client.errors import ClientError
from app.domain.errors import Problem
from tests.support.rest_stand_in import RestStandIn


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.yaml"
    path.write_text("key: orders\nname: Orders\ntasks:\n  - {name: read, execution_type: sync}\n")
    return path


def test_apply_creates_then_leaves_then_changes(workflow, orders: Path):
    first, second = workflow("apply", str(orders)), workflow("apply", str(orders))
    orders.write_text(orders.read_text().replace("Orders", "All orders"))
    third = workflow("apply", str(orders))
    assert [result.exit_code for result in (first, second, third)] == [0, 0, 0]
    assert first.stdout == f"created    orders  revision 1  {orders}\n"
    assert second.stdout == f"unchanged  orders  revision 1  {orders}\n"
    assert third.stdout == f"changed    orders  revision 1 → 2  {orders}\n"


def test_a_file_without_tasks_describes_a_workflow_without_tasks(rest_service: RestStandIn, workflow, orders: Path):
    workflow("apply", str(orders))
    for text in ("key: orders\nname: Orders\n", "key: orders\nname: Orders\ntasks:\n"):
        orders.write_text(text)
        workflow("apply", str(orders))
        assert rest_service.workflows["orders"]["tasks"] == []


def test_problems_name_the_file_and_the_field(rest_service: RestStandIn, workflow, orders: Path, tmp_path: Path):
    other = tmp_path / "other.json"
    other.write_text('{"key": "other", "name": "Other"}')
    rest_service.refusals["orders"] = [
        {"field": "tasks[0].config.url", "message": "is required"},
        {"field": "name", "message": "must not be blank"},
    ]
    result = workflow("apply", str(orders), str(other))
    assert result.exit_code == 1
    assert result.stdout == f"created    other  revision 1  {other}\n"
    assert result.stderr.splitlines() == [
        f"refused    orders  {orders}",
        f"  {orders}:2:1: name: must not be blank",
        f"  {orders}:4:5: tasks[0].config.url: is required",
    ]


def test_an_unreadable_file_stops_everything_before_it_begins(rest_service: RestStandIn, workflow, orders: Path):
    result = workflow("apply", str(orders), "/no/such.yaml")
    assert result.exit_code == 2
    assert result.stderr == "error: /no/such.yaml cannot be read: No such file or directory\n"
    assert rest_service.calls == []


def test_a_workflow_created_by_somebody_else_meanwhile_is_replaced(rest_service: RestStandIn, orders: Path):
    rest_service.conflict_once = True
    assert apply_files(rest_service.url, [orders]) == [Outcome(str(orders), "orders", Change.UNCHANGED, 1, 1)]


def test_outcomes_of_apply_files(rest_service: RestStandIn, orders: Path):
    assert apply_files(rest_service.url, [orders]) == [Outcome(str(orders), "orders", Change.CREATED, None, 1)]
    rest_service.refusals["orders"] = [{"field": "name", "message": "is bad"}]
    assert apply_files(f"{rest_service.url}/", [orders]) == [
        Outcome(str(orders), "orders", Change.REFUSED, problems=(Problem("name", "is bad"),))
    ]


def test_a_service_that_does_not_answer_is_a_sentence(orders: Path):
    with pytest.raises(ClientError, match=r"does not answer at http://127\.0\.0\.1:1; start it with `workflow up`"):
        apply_files("http://127.0.0.1:1", [orders])


def test_another_program_on_the_port_is_told(rest_service: RestStandIn, monkeypatch: pytest.MonkeyPatch, orders: Path):
    monkeypatch.setattr(rest_service, "answer", lambda *call: (404, {"detail": "Not Found"}))
    with pytest.raises(ClientError, match="is not the workflow service \\(status 404\\); check --rest-url"):
        apply_files(rest_service.url, [orders])


def test_a_service_that_cannot_answer_now_is_told(
    rest_service: RestStandIn, monkeypatch: pytest.MonkeyPatch, orders: Path
):
    problem = {"code": "unavailable", "detail": "the database does not answer"}
    monkeypatch.setattr(rest_service, "answer", lambda *call: (503, problem))
    with pytest.raises(ClientError, match="cannot answer now: the database does not answer; try again shortly"):
        apply_files(rest_service.url, [orders])


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://x", "http://", "http://x:y"])
def test_a_url_that_is_none_is_told(orders: Path, url: str):
    with pytest.raises(ClientError, match="the REST URL"):
        apply_files(url, [orders])


def test_a_file_has_no_fields_that_only_the_service_sets(rest_service: RestStandIn, workflow, orders: Path):
    workflow("apply", str(orders))
    orders.write_text(
        "key: orders\nname: New\nrevision: 1\nwarnings: []\ntasks:\n"
        "  - {id: 3, name: read, execution_type: sync, warnings: []}\n"
    )
    result = workflow("apply", str(orders))
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        f"refused    orders  {orders}",
        f"  {orders}:3:1: revision: only the service sets this; leave it out of a file",
        f"  {orders}:4:1: warnings: only the service sets this; leave it out of a file",
        f"  {orders}:6:6: tasks[0].id: only the service sets this; leave it out of a file",
        f"  {orders}:6:47: tasks[0].warnings: only the service sets this; leave it out of a file",
    ]
    assert rest_service.workflows["orders"]["name"] == "Orders"
