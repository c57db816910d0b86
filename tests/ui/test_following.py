"""Pages follow what happens, through the death of the server that they talk to."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.support.dashboard import SCRIPTS, STEPS, House

NUMBERS = "rows => rows.map(row => Number(row.querySelector('.num').textContent))"


def node(page: Page, name: str, status: str) -> None:
    return page.locator(f".node.is-{status}", has_text=name)


async def test_nodes_are_coloured_without_loading_anew(house: House) -> None:
    execution_id = await house.start("steps")
    page = await house.open(f"/ui/executions/{execution_id}")
    await page.evaluate("window.isTheSame = true")
    for step in range(STEPS):
        await expect(node(page, f"step-{step}", "running")).to_be_visible()
        await house.signal(execution_id, f"go-{step}")
        await expect(node(page, f"step-{step}", "completed")).to_be_visible()
    await expect(page.locator(".execution-head .st-completed")).to_be_visible()
    assert await page.evaluate("window.isTheSame")


@pytest.mark.slow
async def test_a_page_catches_up_after_the_server_was_killed(house: House) -> None:
    execution_id = await house.start("steps")
    page = await house.open(f"/ui/executions/{execution_id}?tab=events")
    await house.signal(execution_id, "go-0")
    await expect(node(page, "step-1", "running")).to_be_visible()
    await expect(page.locator(".link-live")).to_be_visible()
    await house.rest.kill()
    await expect(page.locator(".link-live")).to_have_count(0)
    await house.signal(execution_id, "go-1")
    await house.rest.start()
    await expect(node(page, "step-2", "running")).to_be_visible()
    await house.signal(execution_id, *(f"go-{step}" for step in range(2, STEPS)))
    history = [update.sequence for update in await house.history(execution_id)]
    await expect(page.locator(".execution-head .st-completed")).to_be_visible()
    await expect(page.locator(".meta").get_by_text(f"{history[-1]} events", exact=True)).to_be_visible()
    rows = page.locator(".erow", has=page.locator(".etype"))
    await expect(rows).to_have_count(len(history))
    assert await rows.evaluate_all(NUMBERS) == history


async def test_without_sockets_pages_poll(house: House) -> None:
    execution_id = await house.start("steps")
    context = await house.context()
    await context.add_init_script(path=SCRIPTS / "no_sockets.js")
    page = await context.new_page()
    await page.goto(f"{house.root}/ui/executions/{execution_id}")
    await expect(node(page, "step-0", "running")).to_be_visible()
    await expect(page.locator(".link-polling")).to_be_visible()
    await house.signal(execution_id, *(f"go-{step}" for step in range(STEPS)))
    await expect(page.locator(".execution-head .st-completed")).to_be_visible()


async def test_new_rows_wait_until_they_are_asked_for(house: House) -> None:
    waiting = await house.start("steps")
    page = await house.open("/ui/executions")
    rows = page.locator("tbody tr")
    await expect(rows).to_have_count(1)
    await expect(page.locator(".link-live")).to_be_visible()
    for _ in range(3):
        await house.history(await house.start("quick"))
    await house.signal(waiting, *(f"go-{step}" for step in range(STEPS)))
    await expect(rows.locator(".st-completed")).to_be_visible()
    await expect(rows).to_have_count(1)
    await page.get_by_role("button", name=re.compile("^3 new")).click()
    await expect(rows).to_have_count(4)


FOLD = (SCRIPTS / "fold.js").read_text("utf-8")


@pytest.mark.parametrize("key", ["steps", "broken", "wide"])
async def test_the_fold_of_all_events_is_the_state_that_the_service_has(house: House, key: str) -> None:
    execution_id = await house.start(key)
    first = (await house.api.get(f"/executions/{execution_id}/view")).json()
    first = first | {"last_sequence": 1, "progress": first["progress"] | {"done": 0, "percent": 0}}
    if key == "steps":
        await house.signal(execution_id, *(f"go-{step}" for step in range(STEPS)))
    await house.history(execution_id)
    last = (await house.api.get(f"/executions/{execution_id}/view")).json()
    events = (await house.api.get(f"/executions/{execution_id}/events", params={"limit": 1000})).json()["items"]
    unbegun = {
        "status": "pending",
        "attempt": 0,
        "started_at": None,
        "finished_at": None,
        "error": None,
        "output_text": None,
    }
    first["tasks"] = [task | unbegun | {"attempts": []} for task in first["tasks"]]
    first["execution"] |= {"status": "pending", "started_at": None, "finished_at": None, "output": None, "error": None}
    page = await house.open("/ui/executions")
    script = await page.locator("script[type=module]").get_attribute("src")
    module = await page.evaluate("src => new URL(src.replace('app.js', 'lib/fold.js'), document.baseURI).href", script)
    folded, stored = await page.evaluate(FOLD, [module, [first, last], events])
    assert folded == stored
