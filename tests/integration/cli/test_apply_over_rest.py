"""`workflow apply` against the REST service itself: what a file says is what is stored."""

import asyncio
from pathlib import Path

import pytest

from app.cli.files.applying import Change, Outcome, apply_files
from app.domain.errors import Problem
from tests.support.clients import rest_client

TRIP = """\
key: trip
name: Trip
timeout_seconds: 86400
tasks:
  - name: book flight
    execution_type: sync
    retry:
      max_attempts: 3
      non_retryable_errors: [sold_out, card_refused]
    compensate: [cancel flight, tell customer]
  - {name: send postcard, execution_type: sync, sequence: 1, on_failure: continue}
  - {name: cancel flight, execution_type: sync}
  - {name: tell customer, execution_type: sync}
"""


@pytest.fixture
def trip(tmp_path: Path) -> Path:
    path = tmp_path / "trip.yaml"
    path.write_text(TRIP)
    return path


async def apply(url: str, path: Path) -> Outcome:
    (outcome,) = await asyncio.to_thread(apply_files, url, [path])
    return outcome


async def stored(url: str) -> dict:
    async with rest_client(base_url=url) as client:
        return (await client.get("/api/v1/workflows/trip")).json()


async def test_a_file_says_what_follows_failures(url: str, trip: Path):
    assert (await apply(url, trip)).change is Change.CREATED
    workflow = await stored(url)
    tasks = {task["name"]: task for task in workflow["tasks"]}
    assert workflow["timeout_seconds"] == 86400.0
    assert tasks["book flight"]["retry"]["non_retryable_errors"] == ["sold_out", "card_refused"]
    assert {name: (task["on_failure"], task["compensate"]) for name, task in tasks.items()} == {
        "book flight": ("fail", ["cancel flight", "tell customer"]),
        "send postcard": ("continue", []),
        "cancel flight": ("fail", []),
        "tell customer": ("fail", []),
    }
    assert (await apply(url, trip)).change is Change.UNCHANGED


async def test_what_a_file_no_longer_says_is_the_default_again(url: str, trip: Path):
    await apply(url, trip)
    trip.write_text(TRIP.replace("timeout_seconds: 86400\n", "").replace(", on_failure: continue", ""))
    assert (await apply(url, trip)).revision == 2
    workflow = await stored(url)
    assert (workflow["timeout_seconds"], workflow["tasks"][-1]["on_failure"]) == (None, "fail")


async def test_wrong_values_are_told_with_their_place_in_the_file(url: str, trip: Path):
    trip.write_text(TRIP.replace("on_failure: continue", "compensate: [cancel flight, cancel hotel]"))
    assert (await apply(url, trip)).problems == (
        Problem("tasks[1].compensate[0]", "'cancel flight' undoes 'book flight' already"),
        Problem("tasks[1].compensate[1]", "no task of this workflow is named 'cancel hotel'"),
    )
    trip.write_text(TRIP.replace("on_failure: continue", "on_failure: ignore"))
    assert [problem.path for problem in (await apply(url, trip)).problems] == ["tasks[1].on_failure"]
    trip.write_text(TRIP.replace("86400", "one day"))
    assert [problem.path for problem in (await apply(url, trip)).problems] == ["timeout_seconds"]
