"""What the pages compute by themselves: differences of lines, what a patch would change, what an address means."""

import difflib
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, Route

from app.api.dashboard.assets import FOLDER
from app.insights.patches import PatchFailed, applied
from tests.support.browser import running_browser
from tests.support.dashboard import SCRIPTS

ORIGIN = "http://127.0.0.1:9"
"""Nothing listens there: the page gets its files from the folder."""
WORDS = "abcde"


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async def from_folder(route: Route) -> None:
        path = FOLDER / route.request.url.removeprefix(f"{ORIGIN}/")
        body, kind = (
            (path.read_text("utf-8"), "text/javascript") if path.is_file() else ("<!doctype html>", "text/html")
        )
        await route.fulfill(body=body, content_type=kind)

    async with running_browser() as browser:
        page = await browser.new_page()
        await page.route("**/*", from_folder)
        await page.goto(ORIGIN)
        yield page


async def run(page: Page, script: str, module: str, **given: Any) -> Any:
    text = (SCRIPTS / script).read_text("utf-8")
    return await page.evaluate(text, {"module": f"{ORIGIN}/lib/{module}", **given})


def pair(chance: random.Random) -> tuple[list[str], list[str]]:
    before = [chance.choice(WORDS) for _ in range(chance.randrange(30))]
    after = [line for line in before if chance.random() > 0.2]
    for _ in range(chance.randrange(6)):
        after.insert(chance.randrange(len(after) + 1), chance.choice(WORDS))
    return (before, after) if chance.random() > 0.1 else (before, [chance.choice("xyz") for _ in before])


async def test_a_difference_says_all_of_both_texts_and_no_more_than_needed(page: Page) -> None:
    chance = random.Random(11)
    pairs = [pair(chance) for _ in range(300)]
    found = await run(page, "differences.js", "diff.js", pairs=pairs)
    for (before, after), difference in zip(pairs, found, strict=True):
        assert (difference["before"], difference["after"]) == (before, after)
        assert difference["complete"]
        assert difference["changes"] <= changes_of_difflib(before, after)


def changes_of_difflib(before: list[str], after: list[str]) -> int:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    kept = sum(block.size for block in matcher.get_matching_blocks())
    return len(before) + len(after) - 2 * kept


def workflow(chance: random.Random) -> dict[str, Any]:
    ids = chance.sample(range(1, 9), 4)
    tasks = [
        {"id": one, "retry": chance.choice([None, {"max_attempts": 2}]), "depends_on": [], "a/b": 1} for one in ids
    ]
    return {"name": "w", "timeout_seconds": chance.choice([None, 5]), "tasks": tasks}


def patch(chance: random.Random) -> list[dict[str, Any]]:
    task, where = chance.randrange(1, 10), f"/tasks/{chance.randrange(5)}"
    changes: list[dict[str, Any]] = [
        {"op": "replace", "path": f"{where}/retry", "value": {"max_attempts": 3}},
        {"op": "replace", "path": "/timeout_seconds", "value": 30},
        {"op": "add", "path": f"{where}/depends_on/-", "value": "x"},
        {"op": "replace", "path": f"{where}/a~1b", "value": 2},
        {"op": "test", "path": f"{where}/retry", "value": chance.choice([None, {"max_attempts": 2}])},
        {"op": "test", "path": "/timeout_seconds", "value": chance.choice([None, 5, 5.0])},
    ]
    chosen = chance.sample(changes, chance.randrange(1, 4))
    return [{"op": "test", "path": f"{where}/id", "value": task}, *chosen] if chance.random() < 0.7 else chosen


async def test_a_patch_is_shown_as_the_service_applies_it(page: Page) -> None:
    chance = random.Random(12)
    cases = [{"document": workflow(chance), "patch": patch(chance)} for _ in range(400)]
    found = await run(page, "patches.js", "json-patch.js", cases=cases)
    expected = [by_service(**case) for case in cases]
    assert 50 < sum(one is None for one in expected) < 350
    assert found == expected


@pytest.mark.parametrize("name", ["__proto__", "constructor"])
async def test_a_patch_shows_names_that_objects_have_by_themselves(page: Page, name: str) -> None:
    document = {"tasks": [{"id": 1, "config": {}}]}
    patch = [{"op": "add", "path": f"/tasks/0/config/{name}", "value": value} for value in ("x", {"a": 1})]
    shown = await run(page, "patched_text.js", "json-patch.js", document=document, patch=patch)
    assert json.loads(shown) == applied(tuple(patch), document)


async def test_a_path_that_would_lead_a_call_elsewhere_is_no_page(page: Page) -> None:
    await page.goto(f"{ORIGIN}/%ff")
    parts = ["%2e%2e", "..", "..%2Fkeys%2F5", "..%5Ckeys", "5%3Fforce=true", "5%23", "%252e%252e", ".%09.", "%ff"]
    given = {"form": "/suggestions/:id", "paths": [f"/suggestions/{part}" for part in parts]}
    assert await run(page, "matched.js", "router.js", **given) == [None] * len(parts)
    given["paths"] = ["/suggestions/nightly-report_2.x/", "/suggestions/caf%C3%A9"]
    assert await run(page, "matched.js", "router.js", **given) == [{"id": "nightly-report_2.x"}, {"id": "café"}]


async def test_predictions_of_others_can_be_anything(page: Page) -> None:
    prediction = {
        "constructor": 1,
        "seconds_per_execution": "5",
        "cut_share": None,
        "seconds_now": {"a": 1},
        "failure_share_now": "x",
        "failure_share": [],
    }
    headline, shown = await run(page, "predictions.js", "suggestions.js", prediction=prediction)
    assert headline == ""
    assert ["constructor", "1"] in shown
    assert ["saved per execution", "5"] in shown


def by_service(document: dict[str, Any], patch: list[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        return dict(applied(tuple(patch), document))
    except PatchFailed:
        return None
