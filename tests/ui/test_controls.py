"""What people do: by keyboard, by role, and to many at once."""

import re

import pytest
from playwright.async_api import Page, expect

from app.domain.permissions import Role
from tests.support.dashboard import STEPS, House
from tests.support.definition_pages import create

CONTROLS = re.compile("Cancel|Retry|Rerun|Pause|Signal|Run with|Send the signal|Skip")


async def test_the_failed_one_is_found_read_retried_and_followed_by_keyboard(house: House) -> None:
    broken = await house.start("broken")
    await house.history(broken)
    await house.history(await house.start("quick"))
    page = await house.open("/ui/")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.keyboard.press("/")
    await page.keyboard.type("broken")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.keyboard.press("Escape")
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    await expect(page.locator(".problem").first).to_contain_text("bad")
    await expect(page).to_have_url(re.compile(broken))
    await press_until(page, "Retry")
    await page.keyboard.press("Enter")
    await expect(page).not_to_have_url(re.compile(broken))
    await expect(page.get_by_text("repeats")).to_be_visible()
    await expect(page.locator(".execution-head .st-failed")).to_be_visible()
    await page.keyboard.press("g")
    await page.keyboard.press("e")
    await expect(page.get_by_role("heading", name="Executions", level=1)).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keys")).to_be_visible()


async def press_until(page: Page, word: str) -> None:
    for _ in range(40):
        await page.keyboard.press("Tab")
        if await page.evaluate("document.activeElement.textContent") == word:
            return
    raise AssertionError(f"Tab does not reach {word!r}")


async def test_arrow_keys_follow_the_lines(house: House) -> None:
    execution_id = await house.start("broken")
    await house.history(execution_id)
    page = await house.open(f"/ui/executions/{execution_id}")
    await page.locator(".node", has_text="prepare").focus()
    steps = (("Right", "good|bad"), ("Right", "never"), ("Left", "good|bad"), ("Left", "prepare"))
    for way, name in steps:
        await page.keyboard.press(f"Arrow{way}")
        await expect(page.locator(".node:focus")).to_have_attribute("aria-label", re.compile(name))
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("region", name="Task prepare")).to_be_visible()


async def test_a_refusal_is_shown_in_the_words_of_the_service(house: House) -> None:
    execution_id = await house.start("steps")
    page = await house.open(f"/ui/executions/{execution_id}")
    await page.get_by_role("button", name="Cancel …").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await house.signal(execution_id, *(f"go-{step}" for step in range(STEPS)))
    await house.history(execution_id)
    refused = await house.api.post(f"/executions/{execution_id}/cancel", json={})
    assert refused.status_code == 409
    await dialog.get_by_role("button", name="Cancel execution").click()
    await expect(dialog.get_by_role("alert")).to_contain_text(refused.json()["detail"])


async def test_it_runs_again_with_another_input(house: House) -> None:
    execution_id = await house.start("quick", '{"answer": 41}')
    await house.history(execution_id)
    page = await house.open(f"/ui/executions/{execution_id}")
    await page.get_by_role("button", name="Run with this input …").click()
    box, start = page.get_by_role("textbox", name="Input"), page.get_by_role("button", name="Start")
    await box.fill('{"answer": 42')
    await expect(start).to_be_disabled()
    await expect(page.get_by_text("no JSON yet")).to_be_visible()
    await box.fill('{"answer": 42}')
    await start.click()
    await expect(page).not_to_have_url(re.compile(execution_id))
    await expect(page.locator(".execution-head .st-completed")).to_be_visible()
    await page.get_by_role("tab", name="Input and output").click()
    await expect(page.get_by_role("tabpanel")).to_contain_text("42")


async def test_a_wait_that_was_cancelled_is_drawn_and_its_attempt_is_kept(house: House) -> None:
    retry = {"max_attempts": 2, "initial_interval_seconds": 300}
    slow = {"name": "slow", "sequence": 1, "execution_type": "sync", "type": "signal", "config": {"name": "never"}}
    await create(
        house,
        "/workflows",
        {"name": "impatient", "key": "impatient", "tasks": [slow | {"timeout_seconds": 0.1, "retry": retry}]},
    )
    execution_id = await house.start("impatient")
    page = await house.open(f"/ui/executions/{execution_id}")
    await expect(page.locator(".node.is-retrying")).to_be_visible()
    (await house.api.post(f"/executions/{execution_id}/cancel", json={})).raise_for_status()
    await expect(page.locator(".node.is-cancelled")).to_be_visible()
    await expect(page.locator(".tbar.pause")).to_be_attached()
    await page.locator(".node").click()
    attempt = page.get_by_role("region", name="Task slow").locator(".attempts li")
    await expect(attempt).to_contain_text("failed")


async def test_a_failed_execution_leads_to_its_workflow(house: House) -> None:
    broken = await house.start("broken")
    await house.history(broken)
    page = await house.open(f"/ui/executions/{broken}")
    await page.get_by_role("link", name="the workflow").click()
    await page.get_by_role("link", name="Edit", exact=True).click()
    await expect(page.get_by_role("heading", name="Edit broken", level=1)).to_be_visible()


async def test_many_are_cancelled_by_their_ids(house: House) -> None:
    chosen = [await house.start("steps") for _ in range(3)]
    page = await house.open("/ui/executions?status=running&workflow_id=steps")
    await expect(page.locator("tbody tr")).to_have_count(3)
    await page.get_by_role("checkbox", name="Select all on this page").check()
    await page.get_by_role("button", name="Cancel …").click()
    dialog = page.get_by_role("dialog")
    for execution_id in chosen:
        await expect(dialog).to_contain_text(execution_id)
    later = await house.start("steps")  # matches the filter, and was not shown
    await dialog.get_by_role("button", name="Cancel 3").click()
    await expect(dialog).to_contain_text("3 of 3 cancelled")
    for execution_id in chosen:
        assert (await house.history(execution_id))[-1].message.startswith("Execution cancelled")
    assert (await house.api.get(f"/executions/{later}")).json()["status"] == "running"


async def test_another_list_begins_with_nothing_selected(house: House) -> None:
    await house.start("steps")
    await house.history(await house.start("quick"))
    page = await house.open("/ui/executions")
    await expect(page.locator("tbody tr")).to_have_count(2)
    await page.get_by_role("checkbox", name="Select all on this page").check()
    await expect(page.get_by_text("2 selected")).to_be_visible()
    await page.get_by_role("button", name=re.compile("^running")).click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.get_by_text("selected")).to_have_count(0)
    await page.go_back()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.get_by_text("selected")).to_have_count(0)


@pytest.mark.parametrize(("role", "sees"), [(Role.VIEWER, False), (Role.OPERATOR, True)])
async def test_people_sign_in_and_see_what_they_may_do(guarded: House, role: Role, *, sees: bool) -> None:
    key = guarded.keys[role]
    headers = {"Authorization": f"Bearer {guarded.keys[Role.OPERATOR]}"}
    started = await guarded.api.post("/workflows/steps/executions", json={}, headers=headers)
    page = await guarded.open("/ui/executions")
    await page.get_by_label("API key or token").fill("wfk_wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_be_visible()
    await page.get_by_label("API key or token").fill(key)
    await page.keyboard.press("Enter")
    await expect(page.locator("tbody tr")).to_have_count(1)
    await expect(page.locator(".link-live")).to_be_visible()  # the socket has the session, too
    assert await page.evaluate("document.cookie") == ""
    assert (await page.get_by_role("checkbox").count() > 0) is sees
    await page.goto(f"{guarded.root}/ui/executions/{started.json()['id']}")
    await expect(page.locator(".node.is-running")).to_be_visible()
    assert (await page.get_by_role("button", name=CONTROLS).count() > 0) is sees
    if sees:
        await page.get_by_role("button", name="Pause").click()
        await expect(page.locator(".execution-head .st-paused")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key or token")).to_be_visible()
